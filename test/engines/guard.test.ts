import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it as plainIt } from 'vitest'
import type { GuardRequest } from '../../src/engine/types.ts'
import {
  type Box,
  type BoxOptions,
  events,
  exited,
  fakePark,
  hasProgram,
  jumpingClock,
  layOut,
  makeBox,
  processesOf,
  readJson,
  readText,
  startGuard,
  startRunner,
  unitExit,
  until,
} from './tools/box.ts'

/** One that ends in the same moment is as good as killed. */
function killAll(made: Box): void {
  for (const pid of processesOf(made))
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
}

const quick: GuardRequest = {
  leaseSeconds: 3600,
  hasMeter: true,
  park: null,
  absentSeconds: 3600,
  stallSeconds: 3600,
  holdSeconds: 3600,
  retrySeconds: 3600,
  pollSeconds: 0.1,
}

interface GuardOptions extends BoxOptions {
  readonly guard: Partial<GuardRequest>
  /** Exit code of the fake command that parks; without it there is none. */
  readonly parkCode?: number
}

/** The boxes of one test, and what it started in them. */
class Yard {
  readonly #boxes: Box[] = []
  readonly #children: ChildProcess[] = []

  guarded({ guard, parkCode, ...options }: GuardOptions) {
    const made = makeBox(options)
    const park = parkCode === undefined ? null : fakePark(made, parkCode)
    // Looks that come more seldom than a test of the runner alone needs: many boxes are at work at once.
    const timing = { ...made.request.timing, pollSeconds: 0.2 }
    const box: Box = {
      ...made,
      request: {
        ...made.request,
        timing,
        guard: { ...quick, ...(park === null ? {} : { park: park.argv }), ...guard },
      },
    }
    this.#boxes.push(box)
    layOut(box)
    return { box, asked: () => park?.asked() ?? [] }
  }

  run(shell: readonly string[], box: Box): ChildProcess {
    return this.#started(startRunner(shell, box))
  }

  watch(shell: readonly string[], box: Box, env = process.env): ChildProcess {
    return this.#started(startGuard(shell, box, env))
  }

  async clear(): Promise<void> {
    for (const box of this.#boxes) {
      killAll(box)
      rmSync(dirname(dirname(box.folder)), { recursive: true, force: true })
    }
    for (const child of this.#children) {
      child.kill('SIGKILL')
      await exited(child)
    }
  }

  #started(child: ChildProcess): ChildProcess {
    this.#children.push(child)
    return child
  }
}

// The tests wait for clocks for the most part and run side by side; each clears its own away as soon as it is over.
const it = plainIt.extend<{ yard: Yard }>({
  // biome-ignore lint/correctness/noEmptyPattern: the shape of the argument is how vitest learns what a fixture needs.
  yard: async ({}, use) => {
    const yard = new Yard()
    await use(yard)
    await yard.clear()
  },
})

const acts = (box: Box) =>
  events(box)
    .filter((e) => String(e.event).startsWith('guard.'))
    .map((e) => String(e.event).slice(6))
const alarm = (box: Box) => readText(box, 'guard/alarm')?.split(' ')[1]
const now = (box: Box) => (readText(box, 'guard/now') ?? '').trim().split(' ')
/** A hook that notes whether units ran when it did, and saves for real. */
const save = (script: string, timeoutSeconds = 20) => ({
  save: { name: 'keep', command: ['sh', '-c', script], timeoutSeconds },
})
/** Steps are few: each is a handful of processes, and many boxes of these tests are at work at once. */
const slow = { units: 2, steps: 4000, stepSeconds: 0.25 } as const

const shells: readonly (readonly [string, readonly string[]])[] = [
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
]

describe.concurrent.each(shells)('the guard in %s', (name, shell) => {
  it.runIf(!hasProgram(name))('is installed', ({ skip }) => {
    if (process.env.CI) throw new Error(`${name} is not installed`)
    skip(`${name} is not installed`)
  })
  const test = it.runIf(hasProgram(name))
  // What differs between shells is in starting, counting and ending; the rest is decided by what these set.
  const inDash = it.runIf(name === 'dash' && hasProgram(name))
  const inBothWhenFull = process.env.KX_FAULTS_FULL === '1' ? test : inDash

  test('at the end of the lease saves, lets units save and end, saves again, and parks once', async ({ yard }) => {
    const { box, asked } = yard.guarded({
      ...slow,
      // Long enough for both units to have begun, on a slow machine too.
      guard: { leaseSeconds: 6 },
      parkCode: 0,
      plan: save('ls -d "$KX_RUN_DIR"/units/*/pid 2>/dev/null | wc -l >>"$KX_RUN_DIR/saves"'),
    })
    yard.watch(shell, box)
    const runner = yard.run(shell, box)
    await until(() => asked().length > 0)
    expect(await exited(runner)).toBe(14)
    expect(asked()).toEqual(['stop keep disk'])
    expect(readJson(box, 'exit.json')).toMatchObject({ reason: 'stopped', units: { aborted: 2 } })
    for (const unit of ['value-1', 'value-2']) {
      expect(unitExit(box, unit)).toMatchObject({ state: 'aborted', code: '143' })
      expect(readText(box, `units/${unit}/checkpoints/step`)).toMatch(/^[1-9]/)
    }
    // While they ran, by the runner after they ended, and by the guard once more.
    expect(readText(box, 'saves')?.trim().split(/\s+/)).toEqual(['2', '0', '0'])
    await until(() => alarm(box) === 'parked')
    const said = acts(box)
    expect(said.filter((act) => act !== 'alarm')).toEqual([
      ...['armed', 'due', 'save.started', 'save.ended', 'stopping', 'stopped'],
      ...['save.started', 'save.ended', 'parking', 'parked'],
    ])
    expect(events(box).find((e) => e.event === 'guard.due')).toMatchObject({ why: 'lease', run: 'running' })
    // The intent is on the disk before the act.
    expect(said.indexOf('parking')).toBeLessThan(said.indexOf('parked'))
  })

  inDash('where nothing can be undone saves, alarms, and lets the work go on', async ({ yard }) => {
    const { box } = yard.guarded({
      ...slow,
      steps: 12,
      guard: { leaseSeconds: 1 },
      plan: save('echo saved >>"$KX_RUN_DIR/saves"'),
    })
    yard.watch(shell, box)
    const runner = yard.run(shell, box)
    await until(() => alarm(box) === 'kept')
    expect(processesOf(box).length).toBeGreaterThan(0)
    expect(await exited(runner)).toBe(0)
    expect(readJson(box, 'exit.json')).toMatchObject({ reason: 'completed', units: { done: 2 } })
    expect(readText(box, 'saves')).toBe('saved\n')
    expect(acts(box)).toEqual(['armed', 'due', 'save.started', 'save.ended', 'alarm', 'kept'])
  })

  inDash('a save that fails, or does not end, blocks everything further', async ({ yard }) => {
    const failing = yard.guarded({ ...slow, guard: { leaseSeconds: 1 }, parkCode: 0, plan: save('exit 3') })
    const hanging = yard.guarded({
      ...slow,
      guard: { leaseSeconds: 1 },
      parkCode: 0,
      plan: save('trap "" TERM; sleep 99', 1),
    })
    for (const { box } of [failing, hanging]) {
      yard.watch(shell, box)
      yard.run(shell, box)
    }
    await until(() => alarm(failing.box) === 'save-failed' && alarm(hanging.box) === 'save-timeout')
    for (const { box, asked } of [failing, hanging]) {
      expect(asked()).toEqual([])
      expect(acts(box)).not.toContain('stopping')
      expect(readText(box, 'stop')).toBeNull()
      expect(processesOf(box).length).toBeGreaterThan(0)
    }
    expect(events(failing.box).find((e) => e.event === 'guard.save.ended')).toMatchObject({ result: 'failed', code: 3 })
    expect(events(hanging.box).find((e) => e.event === 'guard.save.ended')).toMatchObject({ result: 'timeout' })
  })

  inDash('tries again what failed, and goes on where it works', async ({ yard }) => {
    const { box, asked } = yard.guarded({
      ...slow,
      guard: { leaseSeconds: 1, retrySeconds: 1 },
      parkCode: 0,
      plan: save('test -e "$KX_RUN_DIR/may-save"'),
    })
    yard.watch(shell, box)
    yard.run(shell, box)
    await until(() => alarm(box) === 'save-failed')
    writeFileSync(join(box.folder, 'may-save'), '')
    await until(() => asked().length > 0)
  })

  inDash('a command that parks and fails is an alarm, with its output kept', async ({ yard }) => {
    const { box, asked } = yard.guarded({ ...slow, guard: { leaseSeconds: 1 }, parkCode: 5 })
    yard.watch(shell, box)
    yard.run(shell, box)
    await until(() => alarm(box) === 'park-failed')
    expect(asked()).toEqual(['stop keep disk'])
    expect(events(box).find((e) => e.event === 'guard.parked')).toMatchObject({ code: 5 })
  })

  inDash('finished and nobody came: parks without touching anything; a visit puts it off', async ({ yard }) => {
    const { box, asked } = yard.guarded({ units: 1, guard: { absentSeconds: 2, holdSeconds: 2 }, parkCode: 0 })
    yard.watch(shell, box)
    expect(await exited(yard.run(shell, box))).toBe(0)
    // Somebody is at it, again and again.
    for (let visit = 0; visit < 6; visit++) {
      writeFileSync(join(box.folder, 'guard/visited'), `${visit}\n`)
      await new Promise((wake) => setTimeout(wake, 500))
      expect(asked()).toEqual([])
    }
    await until(() => asked().length > 0)
    expect(events(box).find((e) => e.event === 'guard.due')).toMatchObject({ why: 'finished' })
    expect(acts(box)).not.toContain('stopping')
    expect(readJson(box, 'exit.json')).toMatchObject({ reason: 'completed' })
  })

  inBothWhenFull('dead and nobody came; stalled and nobody came', async ({ yard }) => {
    const dead = yard.guarded({
      ...slow,
      guard: { absentSeconds: 1 },
      parkCode: 0,
      plan: save('echo s >>"$KX_RUN_DIR/saves"'),
    })
    yard.watch(shell, dead.box)
    const runner = yard.run(shell, dead.box)
    await until(() =>
      ['value-1', 'value-2'].every((unit) => readText(dead.box, `units/${unit}/metrics.jsonl`) !== null),
    )
    runner.kill('SIGKILL')
    await exited(runner)
    killAll(dead.box)
    const stalled = yard.guarded({
      ...slow,
      mode: 'hang:value-1',
      units: 1,
      steps: 2,
      guard: { absentSeconds: 1, stallSeconds: 1 },
      parkCode: 0,
    })
    yard.watch(shell, stalled.box)
    yard.run(shell, stalled.box)
    await until(() => dead.asked().length > 0 && stalled.asked().length > 0)
    const reason = (box: Box) => events(box).find((e) => e.event === 'guard.due')?.why
    expect(reason(dead.box)).toBe('dead')
    expect(readText(dead.box, 'saves')).toContain('s')
    expect(reason(stalled.box)).toBe('stalled')
    expect(readJson(stalled.box, 'exit.json')).toMatchObject({ reason: 'stopped' })
    await until(() => alarm(stalled.box) === 'parked')
    // That the work has ended by it takes nothing back.
    await new Promise((wake) => setTimeout(wake, 1500))
    expect(stalled.asked()).toEqual(['stop keep disk'])
    expect(acts(stalled.box)).not.toContain('cleared')
  })

  inDash('ends units of a runner that was killed, before it parks', async ({ yard }) => {
    const { box, asked } = yard.guarded({ ...slow, guard: { leaseSeconds: 2 }, parkCode: 0 })
    yard.watch(shell, box)
    const runner = yard.run(shell, box)
    await until(() => processesOf(box).length > 0)
    runner.kill('SIGKILL')
    await exited(runner)
    await until(() => asked().length > 0)
    await until(() => processesOf(box).length === 0)
    expect(readText(box, 'units/value-1/checkpoints/step')).toMatch(/^[1-9]/)
  })
})

describe.concurrent('the lease', () => {
  const shell = ['dash']
  const left = (box: Box) => Number(now(box)[5]) - Number(now(box)[6])

  it('is not moved by a clock that is set', async ({ yard }) => {
    const { box, asked } = yard.guarded({ ...slow, guard: { leaseSeconds: 3600 }, parkCode: 0 })
    const { env, jump } = jumpingClock(box)
    yard.watch(shell, box, env)
    yard.run(shell, box)
    await until(() => now(box)[7] === 'running')
    for (const hours of [48, -48]) {
      jump(hours * 3600)
      const before = readText(box, 'guard/clock')
      await until(() => readText(box, 'guard/clock') !== before)
      await new Promise((wake) => setTimeout(wake, 300))
      expect(left(box)).toBeGreaterThan(3500)
      expect(left(box)).toBeLessThanOrEqual(3600)
    }
    expect(acts(box)).toEqual(['armed'])
    expect(asked()).toEqual([])
  })

  it('goes on after a reboot, whatever the clock says then', async ({ yard }) => {
    const { box } = yard.guarded({ ...slow, guard: { leaseSeconds: 3600 } })
    mkdirSync(join(box.folder, 'guard'), { recursive: true })
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0])
    const token = box.request.token
    // Another boot, and a clock that was a day ahead then: it was set back since.
    const ahead = Date.now() + 86_400_000
    writeFileSync(join(box.folder, 'guard/clock'), `${token} 1000000 another-boot 5000 ${ahead}\n`)
    const first = yard.watch(shell, box)
    await until(() => now(box).length > 5)
    const spent = Number(now(box)[6])
    expect(spent).toBeGreaterThanOrEqual(1000 + uptime)
    first.kill('SIGKILL')
    await exited(first)
    // The same boot, a guard that was away: the time in between counts.
    yard.watch(shell, box)
    await until(() => Number(now(box)[6]) > spent)
    // The clock of another launch is not this one's.
    const other = yard.guarded({ ...slow, guard: { leaseSeconds: 3600 } })
    mkdirSync(join(other.box.folder, 'guard'), { recursive: true })
    writeFileSync(join(other.box.folder, 'guard/clock'), 'another-token 3000000 x 5000 1\n')
    yard.watch(shell, other.box)
    await until(() => now(other.box).length > 5)
    expect(Number(now(other.box)[6])).toBeLessThan(60)
  })

  it('is taken only with the token, a higher number and no less time', async ({ yard }) => {
    const { box, asked } = yard.guarded({ ...slow, guard: { leaseSeconds: 600 }, parkCode: 0 })
    const { token } = box.request
    yard.watch(shell, box)
    yard.run(shell, box)
    await until(() => now(box).length > 5)
    const write = async (text: string) => {
      writeFileSync(join(box.folder, 'lease.tmp'), text)
      rmSync(join(box.folder, 'lease'))
      writeFileSync(join(box.folder, 'lease'), text)
      // Two looks begin after it lies there whole.
      for (let look = 0; look < 2; look++) {
        const before = readText(box, 'guard/clock')
        await until(() => readText(box, 'guard/clock') !== before)
      }
    }
    for (const wrong of [
      `another-token 9 99999\n`,
      `${token} 1 99999\n`,
      `${token} 2 599\n`,
      `${token} 2\n`,
      `${token} two 99999\n`,
      `${token} 2 -5\n`,
      '',
    ]) {
      await write(wrong)
      expect(now(box).slice(4, 6), wrong).toEqual(['1', '600'])
    }
    await write(`${token} 2 5000\n`)
    expect(now(box).slice(4, 6)).toEqual(['2', '5000'])
    // One that comes late, from before.
    await write(`${token} 1 600\n`)
    expect(now(box).slice(4, 6)).toEqual(['2', '5000'])
    expect(asked()).toEqual([])
    expect(events(box).find((e) => e.event === 'guard.taken' || e.event === 'guard.lease.taken')).toMatchObject({
      number: 2,
      seconds: 5000,
    })
  })

  it('an extension that comes late clears the alarm', async ({ yard }) => {
    const { box } = yard.guarded({ ...slow, guard: { leaseSeconds: 1 } })
    yard.watch(shell, box)
    yard.run(shell, box)
    await until(() => alarm(box) === 'kept')
    writeFileSync(join(box.folder, 'lease'), `${box.request.token} 2 4000\n`)
    await until(() => readText(box, 'guard/alarm') === null)
    expect(acts(box).slice(-2)).toEqual(['lease.taken', 'cleared'])
  })

  it('one guard a launch; it leaves with its folder, with another launch, and with a run that nobody bills for', async ({
    yard,
  }) => {
    const { box } = yard.guarded({ ...slow, guard: {} })
    const first = yard.watch(shell, box)
    await until(() => now(box).length > 5)
    expect(await exited(yard.watch(shell, box))).toBe(75)
    const env = readFileSync(join(box.folder, 'plan.env'), 'utf8')
    writeFileSync(join(box.folder, 'plan.env'), env.replace(`token=${box.request.token}`, 'token=another'))
    expect(await exited(first)).toBe(0)
    const gone = yard.guarded({ ...slow, guard: {} })
    const second = yard.watch(shell, gone.box)
    await until(() => now(gone.box).length > 5)
    rmSync(gone.box.folder, { recursive: true })
    expect(await exited(second)).toBe(0)
    const free = yard.guarded({ units: 1, guard: { hasMeter: false, absentSeconds: 1 } })
    const third = yard.watch(shell, free.box)
    await until(() => now(free.box).length > 5)
    expect(await exited(yard.run(shell, free.box))).toBe(0)
    expect(await exited(third)).toBe(0)
    expect(alarm(free.box)).toBeUndefined()
  })
})

describe.concurrent('heartbeat', () => {
  it('tells a runner that lives beside units that hang', async ({ yard }) => {
    const { box } = yard.guarded({ units: 1, steps: 2, mode: 'hang:value-1', guard: {} })
    yard.run(['dash'], box)
    const beat = () => (readText(box, 'heartbeat') ?? '').trim().split(' ').map(Number)
    await until(() => (beat()[3] ?? 0) >= 3)
    const [at = 0, , progressAt = 0, quiet = 0] = beat()
    expect(at - progressAt).toBeGreaterThanOrEqual(quiet * 1000)
    const going = yard.guarded({ ...slow, units: 1, guard: {} })
    yard.run(['dash'], going.box)
    await until(() => Number(readText(going.box, 'units/value-1/checkpoints/step')) > 12)
    const lively = (readText(going.box, 'heartbeat') ?? '').trim().split(' ').map(Number)
    expect(lively[3]).toBeLessThanOrEqual(2)
  })
})
