import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { CellStarted } from '../../src/run/types.ts'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { startFleet } from '../harness/fleet.ts'
import { needsNetBoxes } from '../harness/netbox.ts'
import { startPty } from '../harness/pty.ts'
import { makeKey, needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { undoLater } from '../harness/undo.ts'
import { waitUntil } from '../harness/wait.ts'
import { boxPlace } from './box-place.ts'
import {
  ACT_MS,
  answerYes,
  clearPlaces,
  kx,
  kxJson,
  type Place,
  passGates,
  payloads,
  readJournal,
  replaced,
  runFolderOf,
} from './support.ts'

const isFull = process.env.KX_FAULTS_FULL === '1'
const isRoot = process.getuid?.() === 0
afterEach(clearPlaces)

async function box(options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> {
  const made = await startSshd({ hostKeyTypes: ['ecdsa'], ...options })
  undoLater(() => made.stop())
  return made
}

/** A command at a terminal, where a person types each answer after its question. */
async function answered(place: Place, words: readonly string[], answers: readonly (readonly [RegExp, string])[]) {
  const app = startPty({
    command: node,
    args: [builtEntry(), '--project', place.project, ...words],
    cwd: place.project,
    env: place.env,
    columns: 160,
    rows: 60,
  })
  try {
    for (const [question, answer] of answers) {
      await waitUntil(() => question.test(app.text()), {
        timeoutMs: ACT_MS,
        what: `${question}`,
        describe: () => app.text(),
      })
      app.press(answer, 'enter')
    }
    const { exitCode } = await app.exited
    await app.emulator.settled()
    return { exitCode, text: app.text() }
  } finally {
    await app.dispose()
  }
}

/** Names of the cells that a run of a recipe left on record. */
const cellsOf = (place: Place, recipe: string) =>
  payloads<CellStarted>(readJournal(runFolderOf(place)), 'cell.started').flatMap(({ name }) =>
    name.startsWith(`recipe.${recipe}.`) ? [name.slice(`recipe.${recipe}.`.length)] : [],
  )

/** A file system of its own that is full: an old checkpoint, the best one, the newest, and what nobody needs. */
function fullDisk(home: string): string {
  const disk = join(home, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8388608,nr_inodes=500,mode=0755', 'none', disk])
  undoLater(() => {
    execFileSync('umount', ['-l', disk])
  })
  const put = (name: string, minutes: number) => {
    writeFileSync(join(disk, name), Buffer.alloc(1024 * 1024, 7))
    const at = Date.now() / 1000 - minutes * 60
    utimesSync(join(disk, name), at, at)
  }
  put('epoch-1.pt', 300)
  put('epoch-2.pt', 200)
  put('model_best.pt', 290)
  put('epoch-3.pt', 100)
  put('left.tmp', 500)
  try {
    for (let n = 0; ; n += 1) writeFileSync(join(disk, `notes-${n}.txt`), Buffer.alloc(256 * 1024))
  } catch {
    // Full, as it should be.
  }
  return disk
}

describe.skipIf(needsSshd().skip)('shipped recipes, run as a person runs them', () => {
  it.skipIf(!isRoot)('rescue-disk: dry first, then by the typed name, and only what was listed', async () => {
    const server = await box()
    const { place } = boxPlace(server, { known: server.knownHostsFile })
    const disk = fullDisk(server.home)
    const words = ['recipe', 'run', 'rescue-disk', '--folder', disk, '--needGib', '0.002', '--needInodes', '10']
    const dry = await kxJson(place, [...words, '--requeue', 'false', '--dry-run'])
    const plan = dry.data.plan.find((each: { cell: string }) => each.cell === 'prune')
    expect(plan.targets.map((path: string) => path.slice(disk.length + 1)).sort()).toEqual([
      ...['epoch-1.pt', 'epoch-2.pt', 'left.tmp'],
    ])
    expect(readdirSync(disk)).toContain('epoch-1.pt')
    const run = [...words, '--requeue', 'false', '--frozen', dry.data.dryRun]
    const { exitCode, text } = await answered(place, run, [[/Type box:/, 'box']])
    expect([exitCode, text]).toEqual([0, expect.stringMatching(/Rescue a run.*: 4 of 4 cells done/)])
    expect(readdirSync(disk).filter((name) => !name.startsWith('notes'))).toEqual(['epoch-3.pt', 'model_best.pt'])
    const { bavail, bsize } = statfsSync(disk)
    expect(bavail * bsize).toBeGreaterThan(2.5 * 1024 * 1024)
    expect(cellsOf(place, 'rescue-disk')).toEqual(['look', 'prune', 'room', 'requeue'])
  })

  it.skipIf(!isFull)('rotate-host-key: refuses another key, and trusts the one that was learnt', async () => {
    const first = await box()
    const known = join(mkdtempSync(join(tmpdir(), 'kx-known-')), 'known_hosts')
    undoLater(() => rmSync(join(known, '..'), { recursive: true, force: true }))
    copyFileSync(first.knownHostsFile, known)
    const before = readFileSync(known, 'utf8')
    const { place } = boxPlace(first, { known })
    await kx(place, ['plan'])
    await first.stop()
    const key = makeKey(join(known, '..'), 'new', 'ecdsa')
    const second = await box({ port: first.port, hostKeys: [key], home: first.home, clientKey: first.clientKey })
    const print = execFileSync('ssh-keygen', ['-lf', `${key.path}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? ''
    const words = (fingerprint: string) => [
      ...['recipe', 'run', 'rotate-host-key', '--target', 'box', '--address', second.address],
      ...['--port', `${second.port}`, '--fingerprint', fingerprint],
    ]
    // The machine is refused as long as nobody said that it is the same.
    expect((await kx(place, ['audit', '--only', 'audit.reachable'])).code).not.toBe(0)
    const wrong = await kx(place, [...words(`SHA256:${'A'.repeat(43)}`), '--yes'])
    expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining('does not show the key')])
    expect(readFileSync(known, 'utf8')).toBe(before)
    const right = await kxJson(place, [...words(print), '--yes'])
    expect([right.exitCode, right.summary]).toEqual([0, expect.stringContaining('3 of 3')])
    expect(readFileSync(known, 'utf8')).toContain(key.publicLine.split(' ')[1])
    expect((await kxJson(place, ['audit'])).data.host.host).toBe('box')
  })

  it.skipIf(!isFull)(
    'collect-evidence and emergency-stop: of a run that hangs, with nothing left of it',
    { timeout: 6 * ACT_MS },
    async () => {
      const server = await box()
      const { place } = boxPlace(server, { known: server.knownHostsFile })
      const file = join(place.project, 'kx.yaml')
      writeFileSync(file, replaced(readFileSync(file, 'utf8'), [['CPCV_FAULT: ""', 'CPCV_FAULT: "hang:1+"']]))
      await answerYes(place, ['profile', 'acknowledge', 'lab'])
      await passGates(place)
      expect(await kxJson(place, ['launch'])).toMatchObject({ exitCode: 0 })
      const trainers = () =>
        readdirSync('/proc').filter((pid) => {
          try {
            const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
            return words.includes('train.mjs') && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(server.home)
          } catch {
            return false
          }
        })
      await waitUntil(() => trainers().length > 0, { timeoutMs: ACT_MS, what: 'a unit at work' })
      const kept = await kxJson(place, ['recipe', 'run', 'collect-evidence'])
      expect([kept.exitCode, kept.data.cells[0].outcome]).toEqual([0, 'done'])
      const bundle = /kept[^:]*: (.*)$/.exec(kept.data.cells[0].text)?.[1] ?? ''
      expect(readFileSync(bundle, 'utf8')).toContain('hang')
      expect(trainers().length).toBeGreaterThan(0)
      const stopped = await kxJson(place, ['recipe', 'run', 'emergency-stop', '--reason', 'it hangs', '--yes'])
      expect([stopped.exitCode, stopped.summary]).toEqual([0, expect.stringContaining('4 of 4')])
      expect(trainers()).toEqual([])
      expect(existsSync(/kept: (.*)$/.exec(stopped.data.cells[0].text)?.[1] ?? '')).toBe(true)
      expect((await kxJson(place, ['patrol'])).data.state).toBe('finished')
    },
  )

  it.skipIf(!isFull || needsNetBoxes().skip)(
    'reap-vram: ends who holds a card for nobody, by the typed name',
    async () => {
      const fleet = await startFleet(1, { gpus: { model: 'h100' }, means: 'netns' })
      undoLater(() => fleet.stop())
      const [made] = fleet.boxes
      if (made === undefined) throw new Error('no box')
      const { machine, sshd, gpu } = made
      // A FAKE card: plain devices in a /dev of the box, and an nvidia-smi that says what it is told.
      machine?.run([
        ...['sh', '-ec'],
        'mkdir "$1/dev" && mount -t tmpfs none "$1/dev" && mkdir "$1/dev/up" "$1/dev/work" && mount -t overlay -o "lowerdir=/dev,upperdir=$1/dev/up,workdir=$1/dev/work" overlay /dev && mknod /dev/nvidia0 c 1 3 && mknod /dev/nvidiactl c 1 3',
        ...['sh', machine.disk],
      ])
      gpu?.processes([])
      const { place } = boxPlace(sshd, { known: sshd.knownHostsFile })
      mkdirSync(join(place.project, 'recipes'))
      // Two hold the card; the driver lists one of them.
      const hold = (name: string) =>
        `await $\`setsid sh -c 'echo $$ >"$HOME/${name}"; exec env -u KX_CELL_MARK sleep 600 3</dev/nvidia0 >/dev/null 2>&1' </dev/null >/dev/null 2>&1 &\`\n`
      writeFileSync(
        join(place.project, 'recipes', 'holders.mjs'),
        `import { $ } from 'zx'\n${hold('listed')}${hold('orphan')}`,
      )
      expect((await kx(place, ['recipe', 'run', 'holders', '--yes'])).code).toBe(0)
      const pidOf = (name: string) =>
        waitUntil(() => existsSync(join(made.home, name)) && readFileSync(join(made.home, name), 'utf8').trim(), {
          what: name,
        })
      const [listed, pid] = [await pidOf('listed'), await pidOf('orphan')]
      gpu?.processes([`GPU-fa4e0000-0000-4000-8000-000000000000, ${listed}, python, 2048`])
      const words = ['recipe', 'run', 'reap-vram', '--olderThanSeconds', '0', '--graceSeconds', '1']
      const dry = await kxJson(place, [...words, '--dry-run'])
      expect(dry.data.plan).toMatchObject([{ change: 'yes', targets: [expect.stringMatching(`^pid ${pid}, `)] }])
      const { exitCode, text } = await answered(place, words, [[/Type box:/, 'box']])
      expect([exitCode, text]).toEqual([0, expect.stringMatching(/1 of 1 cells done/)])
      const after = await kxJson(place, [...words, '--dry-run'])
      expect(after.data.plan).toMatchObject([{ change: 'no' }])
    },
  )
})
