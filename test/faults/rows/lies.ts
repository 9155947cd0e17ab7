import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pullFiles } from '../../../src/artifact/pull-files.ts'
import { expandRoster } from '../../../src/artifact/roster.ts'
import { type Lie, startLiar } from '../../harness/liar.ts'
import { makeKey } from '../../harness/sshd.ts'
import { checkCopies, mib } from './transfer.ts'
import type { FaultCase, FaultRow } from './types.ts'

/** What the server does to its answers; fresh for each command. */
const lies: Readonly<Record<string, (given: FaultCase) => () => Lie>> = {
  'names that lead out': () => () => (chunk) =>
    Buffer.from(chunk.toString('latin1').replaceAll('units/u1', '../evil1').replaceAll('model', '/../m'), 'latin1'),
  'wrong sizes': (given) => () => (chunk) =>
    Buffer.from(
      chunk
        .toString('latin1')
        .replaceAll(/\b(\d{4,8})\b/g, (digits) => String(Number(digits) + given.between(1, 99_999))),
      'latin1',
    ),
  'short answers': (given) => () => {
    let left = given.between(0, 3 * mib)
    return (chunk) => {
      if (left <= 0) return null
      const said = chunk.subarray(0, left)
      left -= said.byteLength
      return said
    }
  },
  'over-long answers': () => () => (chunk) => Buffer.concat([chunk, chunk, Buffer.alloc(1000, 120)]),
  'answers out of order': () => () => {
    let held: Buffer | null = null
    return (chunk) => {
      const before = held
      held = null
      if (before !== null) return Buffer.concat([chunk, before])
      held = Buffer.from(chunk)
      return Buffer.alloc(0)
    }
  },
  'answers without an end': () => () => {
    let isEndless = false
    return (chunk, push) => {
      const piece = Buffer.concat(
        Array.from({ length: Math.ceil(65_536 / Math.max(1, chunk.byteLength)) }, () => chunk),
      )
      const more = () => {
        for (let n = 0; n < 16; n += 1) if (!push(piece)) break
        setTimeout(more, 5).unref()
      }
      if (!isEndless) more()
      isEndless = true
      return chunk
    }
  },
  'noise for answers': (given) => () => (chunk) => {
    void given
    return randomBytes(chunk.byteLength)
  },
}

async function liedTo(given: FaultCase): Promise<void> {
  const { rig } = given
  const name = given.turn(Object.keys(lies))
  // From the first question on, or once the files were told of.
  const isLate = Math.floor(given.seed / Object.keys(lies).length) % 2 === 1
  given.say(`${name}${isLate ? ', once the list has come' : ''}`)
  const base = rig.folder()
  const [box, here] = [join(base, 'box'), join(base, 'here')]
  mkdirSync(join(box, 'units'), { recursive: true })
  writeFileSync(join(box, 'model.bin'), randomBytes(given.between(2, 4) * mib))
  for (let n = 0; n < 8; n += 1)
    writeFileSync(join(box, 'units', `u${n}.json`), randomBytes(given.between(1000, 50_000)))
  const liar = await startLiar()
  rig.later(() => liar.stop())
  const hop = {
    address: '127.0.0.1',
    port: liar.port,
    user: 'ada',
    identityFiles: [makeKey(base, 'key').path],
    identitiesOnly: true,
    agentSocket: null,
  }
  const { host } = rig.hostBy([hop], () => ({ isAccepted: true, words: [] }))
  await host.connect()
  const makeLie = lies[name]?.(given)
  const arm = () => liar.lie(makeLie ?? null)
  const rss = process.memoryUsage().rss
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - rss)
  }, 20)
  rig.later(() => clearInterval(watch))
  const stop = AbortSignal.timeout(given.pace === 'pick' ? 6_000 : 20_000)
  const wanted = [{ glob: '**/*', kind: 'other', minimumCount: 0, minimumBytes: 0 }] as const
  if (!isLate) arm()
  const pulled = await (async () => {
    const roster = await expandRoster(host, box, wanted, stop)
    if (isLate) arm()
    return pullFiles(host, box, roster.files, here, { signal: stop, requestSeconds: 3 })
  })().catch((error: unknown) => {
    given.say(`refused: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`)
    return []
  })
  given.say(`${pulled.filter((each) => each.status === 'copied').length} of ${pulled.length} copied`)
  clearInterval(watch)
  // What it calls copied is the source, and beside the target nothing was written.
  checkCopies(pulled, box, here)
  assert.deepEqual(
    readdirSync(base).filter((each) => !['box', 'here', 'key', 'key.pub'].includes(each)),
    [],
    '0 writes outside the root',
  )
  const known = new Set(['model.bin', ...Array.from({ length: 8 }, (_, n) => `units/u${n}.json`)])
  const found = !existsSync(here) ? [] : readdirSync(here, { recursive: true, encoding: 'utf8' })
  for (const each of found) {
    const plain = each.replace(/\.part$/, '')
    assert(plain === 'units' || known.has(plain), `${each} was written, and nobody asked for it`)
  }
  given.figure('memory grown by, MiB', most / mib)
  assert(most < 300 * mib, `memory grew by ${Math.round(most / mib)} MiB`)
}

export const s6: FaultRow = {
  id: 'S6',
  fault: 'server lies: names with ../, wrong sizes, short and over-long answers, out of order, endless',
  mustHold: '0 writes outside the root; bounded memory',
  injected: () => 'an ssh2 server that runs commands for real and changes what they say (a fake)',
  limitSeconds: 180,
  run: liedTo,
}
