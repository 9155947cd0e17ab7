import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { type Fleet, type FleetBox, startFleet } from '../harness/fleet.ts'
import { needsSshd } from '../harness/sshd.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  answerYes,
  approve,
  clearPlaces,
  killBox,
  kx,
  kxJson,
  makePlace,
  mustPass,
  type Place,
  replaced,
  runFolderOf,
  runIds,
  signalBox,
} from './support.ts'

const fleets: Fleet[] = []
afterEach(async () => {
  clearPlaces()
  for (const fleet of fleets.splice(0)) await fleet.stop()
})

/** The sample project with a plan for several hosts, each with a real sshd, keys and a home of its own. */
async function fleetPlace(count: number, epochs: number, groups = 4): Promise<{ place: Place; fleet: Fleet }> {
  const fleet = await startFleet(count)
  fleets.push(fleet)
  const names = fleet.boxes.map((box) => box.name).join(', ')
  const place = makePlace({
    groups,
    epochs,
    plan: [
      ['hosts: [local]', `hosts: [${names}]`],
      ['profiles: [local]', 'profiles: [lab]'],
    ],
  })
  const config = join(place.state, 'config', 'kx')
  mkdirSync(join(config, 'profiles'), { recursive: true })
  const ssh = join(place.root, 'ssh_config')
  writeFileSync(ssh, fleet.sshConfig())
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\n`)
  writeFileSync(
    join(config, 'profiles', 'lab.yaml'),
    'extends: generic-ssh\nplatform: lab\nbilling:\n  usdPerHour: 0\n  priceSource: our own machine\n',
  )
  return { place, fleet }
}

/** No unit on this box ends by itself: however slow the machine of the tests is, the box dies in the middle of its work. */
function staysBusyOn(place: Place, box: FleetBox): void {
  const file = join(place.project, 'train.mjs')
  const loop = '  while (state.epoch < epochs) {\n'
  const isThere = `(process.env.KX_RUN_DIR ?? '').startsWith(${JSON.stringify(`${box.home}/`)})`
  const wait = `    while (state.epoch === 200 && ${isThere}) await new Promise((go) => setTimeout(go, 200))\n`
  writeFileSync(file, replaced(readFileSync(file, 'utf8'), [[loop, loop + wait]]))
}

/** All gates up to the launch. The class of the boxes has its smoke on the first of them. */
async function passFleetGates(place: Place): Promise<void> {
  await kx(place, ['plan'])
  await answerYes(place, ['profile', 'acknowledge', 'lab'])
  await mustPass(place, ['plan'])
  // Where boxes have namespaces of their own, their disks are memory; each host is overridden by itself.
  const audits: Record<string, { data: { blocking: string[] } }> = (await kxJson(place, ['audit'])).data.hosts
  for (const [host, { data }] of Object.entries(audits))
    if (data.blocking.includes('audit.checkpoint-tier'))
      await mustPass(place, ['override', 'audit.checkpoint-tier', 'a disk of a test', '--host', host])
  await mustPass(place, ['smoke'], ['cost'])
  await approve(place)
}

/** The journal as it lies on disk. */
const records = (run: string): { kind: string; payload: Record<string, unknown> }[] =>
  readFileSync(join(run, 'journal.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** In the middle of a run: nothing moves on the second box, the first one writes all the while. */
async function pullsEachHostIntoItsOwnFolder(
  place: Place,
  boxes: readonly FleetBox[],
  folderOf: (box: FleetBox) => string,
): Promise<void> {
  const pulled = await kxJson(place, ['pull'])
  const hosts: Record<string, { exitCode: number; data: { files: { path: string }[] } }> = pulled.data.hosts
  for (const box of boxes) {
    const into = join(runFolderOf(place), 'hosts', box.name, 'artifacts')
    expect(hosts[box.name]?.data).toMatchObject({ folder: folderOf(box), into })
    for (const { path } of box === boxes[1] ? (hosts[box.name]?.data.files ?? []) : [])
      expect(readFileSync(join(into, path))).toEqual(readFileSync(join(folderOf(box), path)))
  }
  expect(hosts.box2?.exitCode).toBe(0)
  // What the first box still writes may not hold still for a copy; that is its code, and so that of all.
  expect(pulled.exitCode).toBe(hosts.box1?.exitCode)
  const verified = (await kxJson(place, ['verify'])).data.hosts
  expect([verified.box1.data.box, verified.box2.data.box]).toEqual(['known', 'known'])
  expect(verified.box2.data.files.filter((file: { onBox: string }) => file.onBox !== 'same')).toEqual([])
  expect(verified.box2.data.files).toHaveLength(hosts.box2?.data.files.length ?? -1)
}

describe.skipIf(needsSshd().skip)('a run over several hosts', () => {
  it('is walked to the end of its teardown; what a host that died had is done by another, and counts once', async () => {
    const { place, fleet } = await fleetPlace(2, 300)
    const [first, second] = fleet.boxes
    if (first === undefined || second === undefined) throw new Error('two boxes are needed')
    staysBusyOn(place, second)
    await passFleetGates(place)
    const boxFolder = (box: FleetBox) => join(box.home, 'proj', runIds(place)[0] ?? '')
    const pushed = await kxJson(place, ['push'])
    expect([pushed.exitCode, Object.keys(pushed.data.hosts)]).toEqual([0, ['box1', 'box2']])
    for (const box of [first, second]) {
      expect(pushed.data.hosts[box.name].data).toMatchObject({ folder: boxFolder(box), code: 8, data: 1 })
      expect(readdirSync(join(boxFolder(box), 'code'))).toContain('train.mjs')
    }
    // Killed when one host has its runner and the other is about to be known: the next launch finds both by their tokens.
    const killed = await kx(place, ['launch'], { env: { KX_FAILPOINT: 'launch.after-submit:2' } })
    expect([killed.signal, killed.stdout]).toEqual(['SIGKILL', expect.any(String)])
    await mustPass(place, ['launch'])
    const run = runFolderOf(place)
    const begun = records(run).filter(({ kind, payload }) => kind === 'intent.opened' && payload.act === 'launch')
    expect(begun.map(({ payload }) => payload.host).sort()).toEqual(['box1', 'box2'])
    for (const box of [first, second]) expect(readFileSync(join(boxFolder(box), 'attempt'), 'utf8').trim()).toBe('1')
    // Nothing of it is left but what it wrote, and its server, which answers.
    killBox(join(second.home, 'proj'))
    const look = (await kxJson(place, ['patrol'])).data
    await pullsEachHostIntoItsOwnFolder(place, fleet.boxes, boxFolder)
    const hostsOf = (of: { units: { host: string }[] }) => of.units.map((row) => row.host).sort()
    expect(hostsOf(look)).toEqual(['box1', 'box1', 'box1', 'box1', 'box2', 'box2'])

    const early = await kx(place, ['fleet', 'give-back', 'box2'])
    expect([early.code, early.stdout]).toEqual([3, expect.stringContaining('silence is not death')])
    // A look can fall between two processes: it is called dead when it stays so.
    let said = ''
    await waitUntil(
      async () => {
        said = (await kx(place, ['patrol'])).stdout
        const given = await kx(place, ['fleet', 'give-back', 'box2'])
        said += given.stdout
        return given.code === 0
      },
      { timeoutMs: 2 * ACT_MS, what: 'the host to be seen dead', describe: () => said },
    )
    await mustPass(place, ['launch'])
    await waitUntil(async () => (await kxJson(place, ['patrol'])).data?.state === 'finished', {
      timeoutMs: 2 * ACT_MS,
      what: 'the rest to end on the other host',
    })
    const end = (await kxJson(place, ['patrol'])).data
    expect([end.unitsDone, end.unitsTotal]).toEqual([6, 6])

    const verified = await kx(place, ['teardown', 'verify'])
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('6 of 6 units from')])
    const from = JSON.parse(readFileSync(join(run, 'gather', 'fleet.json'), 'utf8'))
    expect(Object.values<{ host: string }>(from.units).map((unit) => unit.host)).toEqual(hostsOf(end))
    const artifacts = join(run, 'artifacts')
    expect(JSON.parse(readFileSync(join(artifacts, 'metrics.json'), 'utf8'))).toHaveProperty('summary.test_acc.n', 6)
    expect(JSON.parse(readFileSync(join(artifacts, 'checkpoint.json'), 'utf8')).completed).toHaveLength(6)
    await mustPass(place, ['report'])
    const [id = ''] = runIds(place)
    const removed = await kx(place, ['teardown', 'remove', '--name', id])
    // Both folders are gone, and nobody has seen the meters of these machines end: that is said, and stays on record.
    expect([removed.code, removed.stdout.match(/removed and seen gone twice; \d+ of \d+ artifacts are safe/g)]).toEqual(
      [4, expect.arrayContaining([expect.any(String), expect.any(String)])],
    )
    for (const box of [first, second]) expect(readdirSync(join(box.home, 'proj'))).not.toContain(id)
    // The folders of both hosts are gone; what was put together is here, and is read again.
    const after = await kxJson(place, ['verify'])
    expect(after.data.together).toMatchObject({ exitCode: 0, folder: artifacts })
    expect(after.data.together.files.length).toBeGreaterThan(6)
    writeFileSync(join(artifacts, 'metrics.json'), '{}')
    const damaged = await kxJson(place, ['verify', '--only', 'metrics.json'])
    expect([damaged.data.together.exitCode, damaged.data.together.files[0].path]).toEqual([1, 'metrics.json'])
    const rows = (await kxJson(place, ['fleet'])).data.hosts
    expect(
      rows.map((row: { host: string; state: string; hasMeter: boolean }) => [row.host, row.state, row.hasMeter]),
    ).toEqual([
      ['box1', 'removed', true],
      ['box2', 'removed', true],
    ])
  })
})

const isFull = process.env.KX_FAULTS_FULL === '1'

describe.skipIf(!isFull || needsSshd().skip || (await needsTmux()).skip)(
  'a run over four hosts, by keys in tmux',
  () => {
    it('goes on when one falls silent and a person gives its units away, and stops it when it is back', async () => {
      const { place, fleet } = await fleetPlace(4, 900, 5)
      await passFleetGates(place)
      const tmux = await Tmux.start({
        command: [node, builtEntry(), '--project', place.project],
        cwd: place.project,
        env: place.env,
        columns: 180,
        rows: 50,
      })
      try {
        const screen = (pattern: RegExp, what: string, timeoutMs = 2 * ACT_MS) =>
          tmux.waitFor((rows) => pattern.test(rows.join('\n')), { timeoutMs, what })
        /** Presses a key until its act has shown what it came to: while another act runs a key is answered with that. */
        const act = async (key: string, pattern: RegExp, what: string) => {
          let pressedAtMs = Number.NEGATIVE_INFINITY
          let rows: string[] = []
          await waitUntil(
            async () => {
              rows = await tmux.capture()
              if (pattern.test(rows.join('\n'))) return true
              if (performance.now() - pressedAtMs < 8000) return false
              pressedAtMs = performance.now()
              await tmux.keys(key)
              return false
            },
            { timeoutMs: 3 * ACT_MS, what, describe: () => rows.join('\n') },
          )
        }
        await tmux.waitForText('Home', ACT_MS)
        await tmux.keys('g', 'o')
        await screen(/4 hosts: 4 planned/, 'the hosts of the plan')
        await tmux.keys('Space', 'j', 'Space', 'j', 'Space', 'j', 'Space')
        await screen(/4 marked/, 'four marks')
        await act('S', /4 of 4 hosts well/, 'the launch on all of them')
        await act('r', /4 running/, 'all at work')

        const [, , , last] = fleet.boxes
        if (last === undefined) throw new Error('four boxes are needed')
        await last.stopServer()
        // Its units stand still meanwhile, so that there is something left to stop when it is back.
        signalBox(join(last.home, 'proj'), 'SIGSTOP')
        // Three marks off: what follows is about the silent one.
        await tmux.keys('g', 'g', 'Space', 'j', 'Space', 'j', 'Space')
        await screen(/1 marked/, 'one mark')
        await act('r', /box4 +unknown/, 'the silent host to be unknown')
        await act('b', /Why will box4/, 'to be asked why')
        // Keys that were on their way when the question came are no answer to it: it is typed until it stands there.
        await waitUntil(
          async () => {
            if ((await tmux.capture()).some((row) => row.includes('it was taken away'))) return true
            await tmux.keys('C-u')
            await tmux.type('it was taken away')
            return false
          },
          { timeoutMs: ACT_MS, what: 'the reason to stand in the question' },
        )
        await tmux.keys('Enter')
        await screen(/given back|box4 +unknown, given/, 'its units to be given')

        await last.startServer()
        // Its link has paused after ten tries; a person lets it go on.
        await tmux.keys('L')
        await tmux.keys('g', 'g', 'Space', 'j', 'Space', 'j', 'Space')
        await screen(/4 marked/, 'four marks again')
        signalBox(join(last.home, 'proj'), 'SIGCONT')
        await act('S', /4 of 4 hosts well/, 'the others to go on, and the one that is back to stop')
        expect(readFileSync(join(last.home, 'proj', runIds(place)[0] ?? '', 'stop'), 'utf8')).toContain(
          'given to other hosts',
        )
        await waitUntil(async () => (await kxJson(place, ['patrol'])).data?.unitsDone === 10, {
          timeoutMs: 5 * ACT_MS,
          what: 'all units to end',
        })
        await act('r', /10 of 10 units/, 'the end on the screen')
        await act('v', /10 of 10 units from \d hosts put together/, 'the results of all together')
      } finally {
        await tmux.kill()
      }
    })
  },
)
