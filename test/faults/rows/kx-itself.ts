import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { localPoints, walkPoints } from '../../crash/points.ts'
import { emptyRun, endedWhileWriting, oneLaunch, onePatrolOwner, sleeperIsRefused } from '../../crash/scenarios.ts'
import { gridScreen } from '../../harness/apps/grid-frame.ts'
import { appEnv, fixtureApp } from '../../harness/apps.ts'
import { builtCommand, builtEntry, builtEnv } from '../../harness/built.ts'
import { startPty } from '../../harness/pty.ts'
import { Tmux } from '../../harness/tmux.ts'
import type { FaultCase, FaultRow } from './types.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../../..')

/** Tests that stand in files of their own already: one run of them, with the seed of the case. */
async function tests(
  given: FaultCase,
  files: readonly string[],
  only?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const file = join(given.rig.folder(), 'report.json')
  const words = [
    'run',
    ...files,
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...(only === undefined ? [] : ['-t', only]),
  ]
  const asked = await run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...words], {
    cwd: root,
    env: { ...process.env, KX_SEED: String(given.seed), KX_CRASH_FULL: '', KX_FULL: '', KX_FAULTS_FULL: '', ...env },
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '',
    stderr: error.stderr ?? '',
  }))
  assert(existsSync(file), `the tests gave no report: ${asked.stderr.slice(-2000)}`)
  const report = JSON.parse(readFileSync(file, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    testResults: { assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[]
  }
  const failed = report.testResults.flatMap((file) => file.assertionResults.filter((each) => each.status === 'failed'))
  assert.deepEqual(
    failed.map((each) => `${each.fullName}: ${each.failureMessages.join(' ').slice(0, 1000)}`),
    [],
  )
  assert(report.numPassedTests > 0, 'something was tested')
  given.figure('tests a case', report.numPassedTests)
}

/** So many rounds, by their seeds, take every named point several times. */
const rounds = 20

async function killRound(given: FaultCase): Promise<void> {
  const results = join(given.rig.folder(), 'crash.json')
  await tests(given, ['test/crash/kill.test.ts', 'test/crash/walk.test.ts'], undefined, {
    KX_CRASH_ROUND: `${(given.seed - 1) % rounds}/${rounds}`,
    KX_CRASH_RESULTS: results,
  })
  const { points, kills, maxResumeSeconds } = JSON.parse(readFileSync(results, 'utf8')) as {
    points: Record<string, number>
    kills: number
    maxResumeSeconds: number
  }
  for (const [name, times] of Object.entries(points)) given.count(name, times)
  given.count('', kills)
  given.figure('longest time to the first record after a kill, s', maxResumeSeconds)
}

export const k1: FaultRow = {
  id: 'K1',
  fault: 'SIGKILL of kx at each of ≥ 60 named points',
  mustHold: 'state opens, nothing half-written is believed, no double launch; leftover temps swept',
  injected: () =>
    `failpoints (test/crash); a case takes a share of them by its seed, and random moments; ${rounds} cases together take each point that a walk on one host passes`,
  limitSeconds: 900,
  run: async (given) => {
    if (given.pace === 'pick') {
      const folder = await emptyRun(given.rig.folder())
      await endedWhileWriting(folder, given.between(0, 5), (worker) => void worker.child.kill('SIGKILL'))
      return
    }
    await killRound(given)
  },
  together: ({ '': kills = 0, ...points }, repeats) => {
    const named = [...new Set([...walkPoints, ...localPoints])]
    const passed = named.filter((name) => !isElsewhere(name))
    const missed = passed.filter((name) => points[name] === undefined)
    return {
      figures: {
        'kills of all cases': kills,
        'named points': named.length,
        'named points that a case died at': named.filter((name) => points[name] !== undefined).length,
        'fewest deaths at such a point': Math.min(...named.flatMap((name) => points[name] ?? [])),
        'named points that a walk on one host does not pass': named.length - passed.length,
      },
      problem: repeats >= rounds && missed.length > 0 ? `nobody died at ${missed.join(', ')}` : null,
    }
  },
}

/** Passed only by several hosts, by a longer lease, by a pull of its own and by a look whether a meter has ended. */
const isElsewhere = (name: string) =>
  /^(fleet|lease|transfer|meter)\.|^launch\.(before|after)-assign$|^launch\.after-give$|^patrol\..*-together$|^teardown\.after-gather$/.test(
    name,
  )

/** Real want of memory, where a group of its own can be made; its parent stays out of it. */
const groups = '/sys/fs/cgroup/memory'
function oomGroup(given: FaultCase): { add(pid: number): void; starve(): void; kills(): number } | null {
  const path = join(groups, `kx-fault-${process.pid}-${given.seed}`)
  try {
    mkdirSync(path)
  } catch {
    return null
  }
  given.rig.later(async () => {
    for (let tries = 0; tries < 50; tries += 1)
      try {
        return rmdirSync(path)
      } catch {
        await sleep(50)
      }
  })
  return {
    add: (pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)),
    starve: () => {
      for (const file of ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'])
        try {
          writeFileSync(join(path, file), String(1024 * 1024))
        } catch {
          // Less than it holds now cannot be set: whatever it asks for next is too much.
        }
    },
    kills: () => Number(/oom_kill (\d+)/.exec(readFileSync(join(path, 'memory.oom_control'), 'utf8'))?.[1] ?? 0),
  }
}

const ends: Readonly<Record<string, (given: FaultCase) => Promise<void>>> = {
  SIGTERM: async (given) =>
    endedWhileWriting(
      await emptyRun(given.rig.folder()),
      given.between(0, 10),
      (worker) => void worker.child.kill('SIGTERM'),
    ),
  'SIGHUP, as when tmux is killed': async (given) => {
    await endedWhileWriting(
      await emptyRun(given.rig.folder()),
      given.between(0, 10),
      (worker) => void worker.child.kill('SIGHUP'),
    )
    // And a real one: whatever runs in a pane goes with its server.
    const mark = join(given.rig.folder(), 'pid')
    const tmux = await Tmux.start({ command: ['sh', '-c', `echo $$ >'${mark}'; exec sleep 600`] })
    const pid = await tmux.pid()
    await tmux.kill()
    for (let tries = 0; tries < 100; tries += 1) {
      try {
        process.kill(pid, 0)
      } catch {
        return
      }
      await sleep(50)
    }
    assert.fail('the pane outlived its server')
  },
  'SIGSTOP, another takes over, SIGCONT': async (given) =>
    sleeperIsRefused(await emptyRun(given.rig.folder()), given.pace === 'whole' ? 600_000 : given.between(0, 400)),
  'killed for want of memory': async (given) => {
    const group = oomGroup(given)
    await endedWhileWriting(await emptyRun(given.rig.folder()), given.between(0, 10), async (worker) => {
      if (group === null) return void worker.child.kill('SIGKILL')
      group.add(worker.child.pid as number)
      group.starve()
      await Promise.race([worker.ended, sleep(10_000)])
      given.say(`${group.kills()} killed by the kernel`)
      worker.child.kill('SIGKILL')
    })
  },
}

export const k2: FaultRow = {
  id: 'K2',
  fault: 'SIGTERM, SIGHUP, SIGSTOP 10 min then SIGCONT, killed for want of memory',
  mustHold: 'lost lease noticed; fencing refuses',
  injected: () => 'signals; a memory group where one can be made, else SIGKILL; the sleep at full length once',
  hasWhole: true,
  atOnce: 2,
  run: async (given) => {
    const names = Object.keys(ends)
    const way = given.pace === 'whole' ? 'SIGSTOP, another takes over, SIGCONT' : given.turn(names)
    given.say(way)
    await ends[way]?.(given)
  },
}

/** The smallest and the largest terminal that there are, in any order; the last frame is right. */
async function sizes(given: FaultCase): Promise<void> {
  const app = startPty({ ...fixtureApp('grid'), env: appEnv(), columns: 80, rows: 24 })
  given.rig.later(() => app.dispose())
  await app.waitForText('grid 80x24', 60_000)
  for (let n = 0; n < 4; n += 1) {
    const [columns, rows] = given.random() < 0.6 ? [1, 1] : [given.between(1, 1000), given.between(1, 400)]
    app.resize(columns, rows)
    await sleep(given.between(0, 100))
    assert.equal(app.exit, null, `it lives at ${columns}x${rows}`)
  }
  app.resize(80, 24)
  const right = gridScreen(80, 24, 0).join('\n')
  await app.waitFor((screen) => screen.map((row) => row.trimEnd()).join('\n') === right, {
    timeoutMs: 60_000,
    what: 'the grid at 80x24',
  })
}

/** Whoever reads what kx prints goes away in the middle of it, as `head` does. */
async function brokenPipe(given: FaultCase): Promise<void> {
  if (!existsSync(join(root, 'dist/kx.mjs'))) await run(process.execPath, [join(root, '.ci/build.mjs')], { cwd: root })
  const child = spawn(builtCommand, [builtEntry(), 'docs', 'keys'], {
    env: builtEnv(given.rig.folder()),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...how) => resolve(how)),
  )
  given.say(`without a reader it ends with ${code ?? signal}`)
  assert(!/\n\s+at |unhandled|EPIPE/i.test(said), `no crash: ${said.slice(0, 500)}`)
  assert(signal === null || signal === 'SIGPIPE', `ended by ${signal}`)
}

export const k3: FaultRow = {
  id: 'K3',
  fault: 'SIGWINCH storm, 1x1 and 1000x400 terminals, EPIPE on stdout, EIO after loss of the tty',
  mustHold: 'no crash, last frame right, CPU < 1 core',
  injected: () => 'a pty, and tests that stand in test/faults/terminal',
  isInTests: true,
  limitSeconds: 300,
  run: async (given) => {
    await sizes(given)
    await brokenPipe(given)
    await tests(
      given,
      ['test/faults/terminal/resize.test.ts', 'test/faults/terminal/exits.test.ts'],
      'storm of window signals|thousand columns|terminal vanishes|does not read',
    )
  },
}

export const k4: FaultRow = {
  id: 'K4',
  fault: 'two kx on one run, one asleep',
  mustHold: 'one patrol owner',
  injected: () => 'processes; one of them stopped',
  run: async (given) => {
    await onePatrolOwner(await emptyRun(given.rig.folder()))
    if (given.pace !== 'pick') await oneLaunch(await emptyRun(given.rig.folder()), 5)
  },
}
