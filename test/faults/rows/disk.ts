import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { checkSpace } from '../../../src/artifact/room.ts'
import { audit } from '../../../src/audit/service.ts'
import { launch } from '../../../src/launch/service.ts'
import { profileSchema } from '../../../src/profile/schema.ts'
import { isRunError } from '../../../src/run/errors.ts'
import { createRun } from '../../../src/run/folder.ts'
import { openRun, type WritableRun } from '../../../src/run/handle.ts'
import { type JournalDisk, realDisk } from '../../../src/run/journal.ts'
import { notesOf, readJournal } from '../../crash/worker-process.ts'
import { makeContext } from '../../harness/act-context.ts'
import { startNetBox, whyNoNetBoxes } from '../../harness/netbox.ts'
import { hopTo, trusting } from '../../harness/ssh-host.ts'
import { checkCopies, files, mib, pull, rosterOf } from './transfer.ts'
import type { FaultCase, FaultRow } from './types.ts'

const clock = { nowMs: () => Date.now() }
const needsRoot = () => (process.getuid?.() === 0 ? null : 'a file system of its own needs root')

/** A file system of so many bytes at a folder, for one case. */
function smallDisk(given: FaultCase, folder: string, bytes: number): (bytes: number) => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'none', folder])
  given.rig.later(() => void execFileSync('umount', ['-l', folder]))
  return (more) => void execFileSync('mount', ['-o', `remount,size=${more}`, folder])
}

/** The disk that copies go to is full at some write or other of a pull. */
async function fullForCopies(given: FaultCase): Promise<void> {
  const { box, here, host, put } = await files(given)
  let total = 0
  for (let n = 0; n < 8; n += 1) {
    const size = given.between(1, 60_000)
    put(`units/u${n}.json`, randomBytes(size))
    total += size
  }
  for (const name of ['a.bin', 'b.bin']) {
    const size = given.between(1, 3) * mib + given.between(0, 8192)
    put(name, randomBytes(size))
    total += size
  }
  const grow = smallDisk(given, here, Math.max(16_384, Math.floor(total * (0.05 + 0.9 * given.random()))))
  const roster = await rosterOf(host, box)
  await assert.rejects(checkSpace(here, roster), /\d[\d.]* [KMG]iB and \d+ inodes are needed, .* free/)
  const pulled = await pull(host, box, here)
  checkCopies(pulled, box, here)
  const lacking = pulled.filter((each) => each.status !== 'copied')
  assert(lacking.length > 0, 'not all of it can have fitted')
  for (const each of lacking) {
    assert.equal(each.status, 'failed')
    assert.match(each.reason ?? '', /no space left/i)
    assert.match(each.reason ?? '', new RegExp(`${each.bytes} bytes`), `says how much is needed: ${each.reason}`)
  }
  grow(total * 2 + 4 * mib)
  const again = await pull(host, box, here)
  assert(
    again.every((each) => each.status === 'copied'),
    'with room, all of it comes',
  )
  checkCopies(again, box, here)
}

/** The disk that the run's own record lies on is full at some write or other. */
async function fullForState(given: FaultCase): Promise<void> {
  const project = join(given.rig.folder(), 'project')
  smallDisk(given, project, 2 * mib)
  const run = await createRun({ projectFolder: project, project: 's', planName: 'p', planText: '', by: 'ada', clock })
  given.rig.later(() => run.close())
  const promised: string[] = []
  const say = async (each: WritableRun, text: string) => {
    await each.append('note', { text })
    promised.push(text)
  }
  for (let n = 0; n < 5; n += 1) await say(run, `before ${n}`)
  const filler = join(project, 'filler')
  // Page after page, until so many are left as the case wants.
  const left = given.between(0, 6) * 4096
  writeFileSync(filler, Buffer.alloc(1024))
  const fd = openSync(filler, 'a')
  const page = Buffer.alloc(4096)
  let held = 0
  try {
    for (;;) held += writeSync(fd, page)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
  ftruncateSync(fd, Math.max(0, held - left))
  closeSync(fd)
  let refusal: unknown = null
  for (let n = 0; n < 60 && refusal === null; n += 1)
    await say(run, `${n}: ${'x'.repeat(given.between(1, 3000))}`).catch((error: unknown) => {
      refusal = error
    })
  assert(isRunError(refusal), `the append that did not fit is refused: ${String(refusal)}`)
  assert.equal(refusal.code, 'io')
  given.say(refusal.message)
  assert.match(refusal.message, /Free at least \d+ bytes/, 'says how many bytes are needed')
  const { leftBytes, cursor, records } = readJournal(run.folder)
  assert.deepEqual([leftBytes, cursor.chainBreak], [0, null], 'the record is whole')
  assert.deepEqual(notesOf(records), promised, 'what was said to be written is there, and nothing else')
  rmSync(filler)
  await say(run, 'after')
  await run.close()
  const opened = await openRun(run.folder, { clock })
  await say(opened, 'later')
  assert.deepEqual(notesOf(readJournal(run.folder).records), promised)
  await opened.close()
}

export const d1: FaultRow = {
  id: 'D1',
  fault: 'local disk full at every write boundary',
  mustHold: '0 "verified"; state intact; message with bytes needed',
  injected: () => 'tmpfs of a size that the seed chooses, under the copies or under the run',
  cannot: needsRoot,
  atOnce: 2,
  run: (given) => given.turn([fullForCopies, fullForState])(given),
}

const genericSsh = () =>
  profileSchema.parse(parse(readFileSync(resolve(import.meta.dirname, '../../../profiles/generic-ssh.yaml'), 'utf8')))

/** Nearly full, then full, in bytes or in inodes: the audit says so, and nothing is launched there. */
async function fullBox(given: FaultCase): Promise<void> {
  const { rig } = given
  const what = given.turn(['bytes', 'inodes'] as const)
  const used = given.turn([0.92, 0.92, 0.97, 0.97, 1, 1])
  given.say(`${what} ${used * 100} % used`)
  const size = 64 * mib
  const inodes = 400
  const machine = await startNetBox({ diskBytes: size, diskInodes: inodes })
  rig.later(() => machine.stop())
  const home = join(machine.disk, 'home')
  mkdirSync(home)
  const sshd = await rig.sshd({ address: machine.address, port: 22, within: machine.within(), home })
  if (what === 'bytes') {
    try {
      writeFileSync(join(machine.disk, 'filler'), Buffer.alloc(Math.ceil(size * used)))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  } else
    for (let n = 0; n < Math.ceil(inodes * used); n += 1)
      try {
        writeFileSync(join(machine.disk, `filler${n}`), '')
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
        break
      }
  const { host } = rig.hostBy([hopTo(sshd)], trusting(sshd), { name: 'box' })
  const ctx = await makeContext({ host: () => host, profile: genericSsh() })
  rig.later(() => ctx.stop())
  const result = await audit(ctx, { only: ['audit.disk-bytes', 'audit.inodes'] })
  const items = result.proof?.items ?? []
  const item = items.find((each) => each.id === (what === 'bytes' ? 'audit.disk-bytes' : 'audit.inodes'))
  assert(item !== undefined)
  given.say(item.evidence.summary)
  assert.equal(item.result, 'fail', 'it warns at 90 %')
  assert.equal(item.severity, used < 0.95 ? 'warn' : 'error')
  assert.match(item.evidence.summary, /9\d(\.\d)?\s?%|100\s?%/)
  const launched = await launch(ctx)
  assert.notEqual(launched.exitCode, 0, 'nothing is launched')
  if (used >= 0.95) {
    const said = [launched.summary, ...ctx.said].join('\n')
    assert(said.includes(item.id), `and the refusal names the item: ${said}`)
  }
  const proj = join(home, 'proj')
  assert.deepEqual(existsSync(proj) ? readdirSync(proj, { recursive: true }) : [], [], 'nothing was put there')
  if (used === 1) {
    // Whoever writes there all the same hears why, and leaves nothing that looks whole.
    const path = join(home, 'out')
    await assert.rejects(host.write(path, Buffer.alloc(200_000, 1)), /[Nn]o space.*(bytes|inodes)/s)
    assert.equal(existsSync(path), false)
  }
}

export const d2: FaultRow = {
  id: 'D2',
  fault: 'remote disk full, or out of inodes',
  mustHold: 'audit warns at 90 %; launch refused',
  injected: () => 'tmpfs with size= and nr_inodes= as the disk of a box in namespaces',
  cannot: whyNoNetBoxes,
  atOnce: 2,
  run: fullBox,
}

const failing = (code: string) => Object.assign(new Error(`${code}: injected`), { code })

type Trouble = (disk: { armed: boolean }) => JournalDisk

/** One call fails, once: a second try would be told that all is well. */
const once =
  (name: keyof JournalDisk, code: string): Trouble =>
  (state) => ({
    ...realDisk,
    [name]: (...args: never[]) => {
      if (!state.armed) return (realDisk[name] as (...all: never[]) => unknown)(...args)
      state.armed = false
      throw failing(code)
    },
  })

const troubles: Readonly<Record<string, { readonly disk: Trouble; readonly isSuspect: boolean }>> = {
  'fsync EIO': { disk: once('sync', 'EIO'), isSuspect: true },
  'write EIO': { disk: once('write', 'EIO'), isSuspect: false },
  'write EDQUOT': { disk: once('write', 'EDQUOT'), isSuspect: false },
  'write EROFS': { disk: once('write', 'EROFS'), isSuspect: false },
  'short write': {
    disk: (state) => ({
      ...realDisk,
      write: (fd, bytes) => {
        if (!state.armed) return realDisk.write(fd, bytes)
        state.armed = false
        return realDisk.write(fd, bytes.subarray(0, bytes.byteLength >> 1))
      },
    }),
    isSuspect: false,
  },
  'short write that cannot be cut off': {
    disk: (state) => ({
      ...realDisk,
      write: (fd, bytes) =>
        state.armed ? realDisk.write(fd, bytes.subarray(0, bytes.byteLength >> 1)) : realDisk.write(fd, bytes),
      truncate: (fd, bytes) => {
        if (state.armed) throw failing('EIO')
        realDisk.truncate(fd, bytes)
      },
    }),
    isSuspect: true,
  },
}

/** The disk was mounted read-only between two acts. */
async function readOnly(given: FaultCase, project: string): Promise<void> {
  smallDisk(given, project, 4 * mib)
  const made = await createRun({ projectFolder: project, project: 's', planName: 'p', planText: '', by: 'ada', clock })
  await made.append('note', { text: 'before' })
  await made.close()
  execFileSync('mount', ['-o', 'remount,ro', project])
  const refusal: unknown = await openRun(made.folder, { clock }).catch((error: unknown) => error)
  given.say(String(refusal))
  assert(refusal instanceof Error && /EROFS|read-only/i.test(refusal.message), `it stops, and says why: ${refusal}`)
  execFileSync('mount', ['-o', 'remount,rw', project])
  const opened = await openRun(made.folder, { clock })
  await opened.append('note', { text: 'after' })
  await opened.close()
  assert.deepEqual(notesOf(readJournal(made.folder).records), ['before', 'after'])
}

export const d3: FaultRow = {
  id: 'D3',
  fault: 'fsync EIO, short write, read-only file system, quota',
  mustHold: 'stop, suspect flag, no retry-and-trust',
  injected: () => 'the file-system layer of the journal; a read-only remount where this is root',
  atOnce: 2,
  run: async (given) => {
    const isRoot = needsRoot() === null
    const way = given.turn([...Object.keys(troubles), ...(isRoot ? ['read-only file system'] : [])])
    given.say(way)
    const project = join(given.rig.folder(), 'project')
    if (way === 'read-only file system') return readOnly(given, project)
    const made = await createRun({
      projectFolder: project,
      project: 's',
      planName: 'p',
      planText: '',
      by: 'ada',
      clock,
    })
    const { folder } = made
    await made.close()
    const state = { armed: false }
    const trouble = troubles[way]
    const run = await openRun(folder, { clock, ...(trouble === undefined ? {} : { disk: trouble.disk(state) }) })
    given.rig.later(() => run.close())
    const promised: string[] = []
    const say = async (each: WritableRun, text: string) => {
      await each.append('note', { text })
      promised.push(text)
    }
    for (let n = 0; n < given.between(1, 8); n += 1) await say(run, `before ${n}`)
    state.armed = true
    const refusal: unknown = await run.append('note', { text: 'lost' }).then(
      () => null,
      (error: unknown) => error,
    )
    assert(isRunError(refusal), `it stops: ${String(refusal)}`)
    given.say(refusal.message)
    if (trouble?.isSuspect === true) {
      assert.notEqual(run.suspect(), null, 'the flag is up')
      state.armed = false
      const after: unknown = await run.append('note', { text: 'again' }).catch((error: unknown) => error)
      assert(isRunError(after) && after.code === 'suspect', 'no retry that is trusted')
    } else assert.equal(refusal.code, 'io')
    state.armed = false
    await run.close()
    // Read afresh from what is really there: all that was promised, and nothing torn.
    const opened = await openRun(folder, { clock })
    await say(opened, 'after')
    const { leftBytes, cursor, records } = readJournal(folder)
    assert.deepEqual([leftBytes, cursor.chainBreak], [0, null])
    const found = notesOf(records).filter((note) => !note.startsWith('Dropped '))
    // A line whose fsync failed may be there or not: it was never promised.
    assert.deepEqual(
      found.filter((note) => note !== 'lost'),
      promised,
    )
    await opened.close()
  },
}
