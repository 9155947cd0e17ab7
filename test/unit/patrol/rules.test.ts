import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UnitStatus } from '../../../src/engine/types.ts'
import { diagnoseExit, diagnoseLine, mostTelling } from '../../../src/patrol/rules/classify.ts'
import type { ConditionsInput } from '../../../src/patrol/rules/condition-input.ts'
import { conditionsOf } from '../../../src/patrol/rules/conditions.ts'
import { decide } from '../../../src/patrol/rules/decision.ts'
import { episodes } from '../../../src/patrol/rules/episodes.ts'
import { decideLiveness, stalledAfterSeconds } from '../../../src/patrol/rules/liveness.ts'
import { rowsOf, unitEtaSeconds } from '../../../src/patrol/rules/rows.ts'
import { defaultThresholds, thresholdsWith } from '../../../src/patrol/rules/thresholds.ts'
import type { Condition, DiskFigure, MachineFigure, Signals, UnitRow } from '../../../src/patrol/types.ts'
import type { Finding } from '../../../src/run/types.ts'
import { planSchema } from '../../../src/spec/schema.ts'
import { runEndOf } from '../../../src/walk/run-end.ts'

const signals = (changes: Partial<Signals> = {}): Signals => ({
  isProcessAlive: true,
  isSameBoot: true,
  isSameMachine: true,
  heartbeatAgeSeconds: 3,
  exit: null,
  newestWriteAgeSeconds: 2,
  stalledAfterSeconds: 600,
  unitsDone: 1,
  unitsTotal: 4,
  unitsRunning: 2,
  cpuFraction: 0.9,
  gpuPercent: null,
  provider: 'up',
  elapsedSeconds: 100,
  expectedSeconds: 400,
  ...changes,
})
const exit = (code: number, reason = 'completed') => ({ code, reason, endedAtMs: 1000, done: 4, failed: 0, aborted: 0 })
const state = (changes: Partial<Signals>, deadSinceMs: number | null = null, nowMs = 1_000_000) =>
  decideLiveness({ signals: signals(changes), nowMs, deadSinceMs, thresholds: defaultThresholds })

describe('five states', () => {
  it.each([
    ['alive and writing', {}, 'running'],
    ['alive, nothing written yet', { newestWriteAgeSeconds: null, unitsRunning: 0 }, 'running'],
    ['alive and silent', { newestWriteAgeSeconds: 601 }, 'stalled'],
    [
      'alive and silent, but such silence is usual',
      { newestWriteAgeSeconds: 601, stalledAfterSeconds: 1200 },
      'running',
    ],
    ['alive, heartbeat old', { heartbeatAgeSeconds: 601 }, 'stalled'],
    ['alive past its end', { exit: exit(0) }, 'running'],
    ['alive, nothing else can be read', { newestWriteAgeSeconds: null, heartbeatAgeSeconds: null }, 'unknown'],
    [
      'gone, completed, roster full',
      { isProcessAlive: false, exit: exit(0), unitsDone: 4, elapsedSeconds: 390 },
      'finished',
    ],
    ['gone, ended by its own rule', { isProcessAlive: false, exit: exit(10, 'abort-nan') }, 'finished'],
    ['gone, ended with a failed unit', { isProcessAlive: false, exit: exit(1, 'units-failed') }, 'finished'],
    ['gone, no exit, another boot', { isProcessAlive: false, isSameBoot: false }, 'dead'],
    ['gone, no exit, boot not known', { isProcessAlive: false, isSameBoot: null }, 'unknown'],
    ['gone, no exit, files still new', { isProcessAlive: false, unitsRunning: 0 }, 'unknown'],
    ['gone, its units still run', { isProcessAlive: false, newestWriteAgeSeconds: 9000 }, 'stalled'],
    ['not told', { isProcessAlive: null }, 'unknown'],
    ['not told, machine gone', { isProcessAlive: null, provider: 'gone' }, 'dead'],
    ['not told, provider silent', { isProcessAlive: null, provider: 'unknown' }, 'unknown'],
    ['another machine', { isSameMachine: false }, 'unknown'],
    [
      'another machine, all else well',
      { isSameMachine: false, isProcessAlive: false, exit: exit(0), unitsDone: 4 },
      'unknown',
    ],
  ] as const)('%s', (_, changes, expected) => {
    const found = state(changes)
    expect(found.state).toBe(expected)
    expect(found.reasons[0]).toBeTruthy()
  })

  it.each([
    ['nothing measured', [null, null], null, 600],
    ['short steps and units: the floor', [0.05, 3], null, 60],
    ['short steps and units, and a plan that ends silence after ten minutes', [0.05, 3], 600, 60],
    ['a hundred steps of two seconds', [2, 30], null, 200],
    ['a long unit of short steps', [0.1, 7200], null, 600],
    ['a step of an hour', [3600, 7200], null, 10_800],
    ['a unit without steps', [null, 400], null, 1200],
    ['a unit without steps under a plan that would end it', [null, 400], 1000, 500],
    ['a plan that ends it sooner than a step takes', [90, 400], 60, 90],
    ['nothing measured, under the idle limit of the plan', [null, null], 600, 300],
  ] as const)('silence counts as stalled: %s', (_, [stepSeconds, unitSeconds], idle, expected) => {
    expect(stalledAfterSeconds({ stepSeconds, unitSeconds }, idle, defaultThresholds)).toBe(expected)
  })

  it('looks again before it says dead', () => {
    const gone = { isProcessAlive: false, unitsRunning: 0, newestWriteAgeSeconds: 300 }
    const first = state(gone, null, 1_000_000)
    expect([first.state, first.deadSinceMs]).toEqual(['unknown', 1_000_000])
    expect(state(gone, 1_000_000, 1_029_000).state).toBe('unknown')
    expect(state(gone, 1_000_000, 1_030_000).state).toBe('dead')
    expect(state({}, 1_000_000, 1_030_000)).toMatchObject({ state: 'running', deadSinceMs: null })
  })

  it('says dead neither at once nor later while units run on without their runner', () => {
    const orphans = { isProcessAlive: false, unitsRunning: 1, newestWriteAgeSeconds: 9000 }
    expect(state(orphans, 1_000_000, 2_000_000)).toMatchObject({ state: 'stalled', deadSinceMs: null })
    expect(state({ ...orphans, isSameBoot: false }, 1_000_000, 2_000_000).state).toBe('dead')
  })

  it('says how a run with an exit file has ended, and that it is not dead', () => {
    const found = state({ isProcessAlive: false, exit: exit(10, 'abort-nan'), unitsDone: 1, elapsedSeconds: 1 })
    expect(found).toMatchObject({ isSuspect: false, deadSinceMs: null })
    expect(found.reasons).toEqual(['aborted: a value was no number (abort-nan)', '1 of 4 units done'])
    expect(state({ isProcessAlive: false, exit: exit(1, 'units-failed') }).reasons[0]).toMatch(/^failed: /)
  })

  it('does not believe a finish that is too fast or short', () => {
    const done = { isProcessAlive: false, exit: exit(0), unitsDone: 4, elapsedSeconds: 390 }
    expect(state(done).isSuspect).toBe(false)
    expect(state({ ...done, elapsedSeconds: 199 }).isSuspect).toBe(true)
    expect(state({ ...done, unitsDone: 3 }).isSuspect).toBe(true)
    expect(state({ ...done, expectedSeconds: null, elapsedSeconds: 1 }).isSuspect).toBe(false)
  })

  it('never says finished or running of what it cannot see', () => {
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value)
    fc.assert(
      fc.property(
        fc.record({
          isSameBoot: maybe(fc.boolean()),
          isSameMachine: maybe(fc.boolean()),
          heartbeatAgeSeconds: maybe(fc.nat(2000)),
          newestWriteAgeSeconds: maybe(fc.nat(2000)),
          unitsDone: maybe(fc.nat(4)),
          provider: fc.constantFrom('up' as const, 'gone' as const, 'unknown' as const),
        }),
        (changes) => {
          const blind = state({ ...changes, isProcessAlive: null })
          expect(['unknown', 'dead']).toContain(blind.state)
          if (blind.state === 'dead') expect(changes.provider).toBe('gone')
          if (changes.isSameMachine === false) expect(blind.state).toBe('unknown')
        },
      ),
    )
  })

  it('gives the exit codes of the tick contract', () => {
    expect(decide('running', 0).exitCode).toBe(0)
    expect(decide('finished', 0)).toEqual({ decision: 'done', exitCode: 0 })
    expect(decide('running', 1).exitCode).toBe(1)
    expect(decide('dead', 0).exitCode).toBe(1)
    expect(decide('finished', 0, runEndOf(exit(14, 'stopped')))).toEqual({ decision: 'escalate', exitCode: 1 })
    expect(decide('finished', 0, runEndOf(exit(0)))).toEqual({ decision: 'done', exitCode: 0 })
    expect(decide('unknown', 3).exitCode).toBe(4)
  })
})

describe('classification', () => {
  it.each([
    ['Traceback (most recent call last):', 'bug', 'collect-evidence'],
    ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB', 'bug', 'vram-fit'],
    ['OSError: [Errno 28] No space left on device', 'capacity', 'free-disk'],
    ['Killed', 'capacity', 'host-memory'],
    ['Bus error (core dumped)', 'environment', 'host-memory'],
    ['RuntimeError: CUDA error: no kernel image is available for execution', 'environment', 'cuda-check'],
    ['RuntimeError: Error(s): size mismatch for fc.weight', 'bug', 'compare-dimensions'],
    ['wandb.errors.CommError: Run initialization has timed out after 90.0 sec.', 'environment', 'tracker-check'],
    ["KeyError: 'x'", 'bug', 'collect-evidence'],
    ['NVRM: Xid (PCI:0000:3b:00): 79', 'hardware', 're-rent'],
  ])('%s', (line, kind, recipe) => {
    expect(diagnoseLine(line)).toMatchObject({ class: kind, recipe })
  })

  it('leaves ordinary lines alone', () => {
    for (const line of [
      'epoch 1 error rate 0.1',
      'loss 0.5',
      'killed 3 birds',
      'mean absolute error = 2',
      '',
      'No errors found',
    ])
      expect([line, diagnoseLine(line)]).toEqual([line, null])
  })

  it('believes the cause before the noise', () => {
    const traceback = diagnoseLine('Traceback (most recent call last):')
    const space = diagnoseLine('OSError: No space left on device')
    if (traceback === null || space === null) throw new Error('both must be marks')
    expect(mostTelling([traceback, space])?.recipe).toBe('free-disk')
    expect(mostTelling([])).toBeNull()
  })

  it('reads exit codes', () => {
    expect(diagnoseExit(137).recipe).toBe('host-memory')
    expect(diagnoseExit(1).class).toBe('bug')
    expect(diagnoseExit(143).recipe).toBe('resume')
    expect(diagnoseExit(null).word).toContain('unknown')
  })
})

const plan = planSchema.parse({
  version: 1,
  name: 'p',
  goal: 'g',
  metrics: [{ name: 'acc', direction: 'higher', chance: 0.33, primary: true }],
  command: ['true'],
  units: { list: ['a', 'b', 'c', 'd'] },
  environment: { kind: 'system', interpreter: 'sh' },
  resources: { compute: 'gpu' },
  checkpoints: { bytes: 1, count: 1 },
  artifacts: [{ glob: 'x', kind: 'json' }],
  budget: { usd: 0, hours: 1 },
})
const row = (changes: Partial<UnitRow> = {}): UnitRow => ({
  unit: 'a',
  index: 0,
  state: 'done',
  worker: 1,
  attempt: 1,
  seconds: 100,
  exitCode: 0,
  step: 10,
  steps: 10,
  metric: 0.9,
  nanCount: 0,
  etaSeconds: null,
  logBytes: 1,
  lastWriteMs: 1,
  ...changes,
})
const disk = (changes: Partial<DiskFigure> = {}): DiskFigure => ({
  tier: 'boxes',
  path: '/d',
  survives: { reboot: 'survives', stop: 'survives', destroy: 'lost' },
  atMs: 0,
  totalBytes: 100,
  usedBytes: 10,
  freeBytes: 90,
  usedFraction: 0.1,
  totalInodes: 100,
  usedInodes: 10,
  freeInodes: 90,
  growthBytesPerSecond: 0,
  growthInodesPerSecond: 0,
  secondsToFull: null,
  growthSamples: 5,
  reason: null,
  ...changes,
})
const machine: MachineFigure = {
  atMs: 0,
  cores: 2,
  cpuFraction: 0.5,
  load1: 1,
  memoryTotalBytes: 100,
  memoryAvailableBytes: 50,
  memoryLimitBytes: 100,
  memoryWorkingBytes: 50,
  oomKills: 3,
  oomScope: 'group',
  skewSeconds: 0,
}
const card = {
  index: 0,
  uuid: 'GPU-1',
  name: 'A100',
  utilisationPercent: 80,
  memoryBusPercent: 10,
  memoryTotalMiB: 100,
  memoryUsedMiB: 50,
  temperatureCelsius: 60,
  powerWatts: 1,
  powerLimitWatts: 2,
  smClockMHz: 1400,
  smClockMaxMHz: 1400,
  isSlowedByHardware: false,
}
const input = (changes: Partial<ConditionsInput> = {}): ConditionsInput => ({
  nowMs: 1_000_000,
  plan,
  liveness: { state: 'running', reasons: ['alive'], isSuspect: false, deadSinceMs: null },
  signals: signals(),
  units: [row()],
  disks: [disk()],
  machine,
  gpu: { kind: 'known', atMs: 0, gpus: [card], lost: [], processes: [], xids: [] },
  marks: [],
  oomBaseline: 3,
  gpuWindow: { percent: 80, seconds: 700 },
  expectedUnitSeconds: 100,
  smokeUnitSeconds: 100,
  checkpointIntervalSeconds: 100,
  unknownTicks: 0,
  lease: null,
  thresholds: defaultThresholds,
  ...changes,
})
const active = (changes: Partial<ConditionsInput>) =>
  conditionsOf(input(changes)).flatMap((c) =>
    c.isActive === true ? [`${c.rule} ${c.severity} ${c.class} ${c.recipe}`] : [],
  )

describe('conditions', () => {
  it('are quiet on a healthy run', () => expect(active({})).toEqual([]))

  it.each<readonly [string, Partial<ConditionsInput>, readonly string[]]>([
    ['disk warns', { disks: [disk({ usedFraction: 0.9 })] }, ['disk-bytes/boxes warn capacity free-disk']],
    ['disk errs', { disks: [disk({ usedFraction: 0.95 })] }, ['disk-bytes/boxes error capacity free-disk']],
    ['inodes', { disks: [disk({ usedInodes: 96 })] }, ['disk-inodes/boxes error capacity free-inodes']],
    ['fills today', { disks: [disk({ secondsToFull: 7200 })] }, ['disk-trend/boxes warn capacity free-disk']],
    [
      'fills before two checkpoints',
      { disks: [disk({ secondsToFull: 3599 })] },
      ['disk-trend/boxes error capacity free-disk'],
    ],
    [
      'all units slower than the smoke',
      { expectedUnitSeconds: 250, units: [] },
      ['units-slow warn observation why-silent'],
    ],
    ['memory', { machine: { ...machine, memoryWorkingBytes: 91 } }, ['memory-limit warn capacity host-memory']],
    ['oom', { machine: { ...machine, oomKills: 4 } }, ['oom-kill error capacity host-memory']],
    [
      'gpu memory',
      { gpu: { kind: 'known', atMs: 0, gpus: [{ ...card, memoryUsedMiB: 96 }], lost: [], processes: [], xids: [] } },
      ['gpu-memory/0 error bug vram-fit'],
    ],
    [
      'gpu slow',
      {
        gpu: {
          kind: 'known',
          atMs: 0,
          gpus: [{ ...card, temperatureCelsius: 84, smClockMHz: 900 }],
          lost: [],
          processes: [],
          xids: [],
        },
      },
      ['gpu-slowdown/0 error hardware gpu-preflight'],
    ],
    [
      'gpu lost',
      { gpu: { kind: 'known', atMs: 0, gpus: [card], lost: ['x'], processes: [], xids: [] } },
      ['gpu-lost error hardware re-rent'],
    ],
    ['gpu idle', { gpuWindow: { percent: 49, seconds: 600 } }, ['gpu-idle warn observation why-silent']],
    [
      'gpu used less than it could',
      { gpuWindow: { percent: 69, seconds: 600 } },
      ['gpu-idle info observation why-silent'],
    ],
    ['gpu used well', { gpuWindow: { percent: 70, seconds: 600 } }, []],
    ['NaN', { units: [row({ nanCount: 1 })] }, ['unit-nan error bug inspect-batch']],
    ['slow unit', { units: [row({ state: 'running', seconds: 201 })] }, ['unit-slow warn observation why-silent']],
    ['much too slow', { units: [row({ state: 'running', seconds: 301 })] }, ['unit-slow error observation why-silent']],
    ['slow by less than anybody minds', { units: [row({ state: 'running', seconds: 9 })], expectedUnitSeconds: 1 }, []],
    ['fast unit', { units: [row({ seconds: 49 })] }, ['unit-fast warn invalid collect-evidence']],
    [
      'silent unit',
      { units: [row({ state: 'running', isStalled: true })] },
      ['unit-stalled warn observation why-silent'],
    ],
    [
      'a unit as fast as those beside it, on a machine that was busy before',
      {
        expectedUnitSeconds: 6.02,
        units: [6, 6, 6, 6, 6, 6, 3.1, 3.2, 3, 3].map((seconds, index) =>
          row({ unit: `u${index}`, index, seconds, metric: 0.9 + index / 1000 }),
        ),
      },
      [],
    ],
    [
      'a unit much faster than those beside it',
      {
        expectedUnitSeconds: 60,
        units: [100, 100, 40, 100].map((seconds, index) =>
          row({ unit: `u${index}`, index, seconds, metric: 0.9 + index / 1000 }),
        ),
      },
      ['unit-fast warn invalid collect-evidence'],
    ],
    ['units of seconds on a busy machine', { expectedUnitSeconds: 6.02, smokeUnitSeconds: 2.9, units: [] }, []],
    ['failed unit', { units: [row({ state: 'failed', exitCode: 137 })] }, ['unit-failed error capacity host-memory']],
    [
      'below chance',
      { units: [row({ metric: 0.3 }), row({ unit: 'b', metric: 0.33 })] },
      ['below-chance error bug collect-evidence'],
    ],
    [
      'stalled',
      { liveness: { state: 'stalled', reasons: ['x'], isSuspect: false, deadSinceMs: null } },
      ['stalled error observation why-silent'],
    ],
    [
      'rebooted',
      {
        liveness: { state: 'dead', reasons: ['x'], isSuspect: false, deadSinceMs: 1 },
        signals: signals({ isSameBoot: false, isProcessAlive: false }),
      },
      ['dead error environment resume'],
    ],
    [
      'killed',
      {
        liveness: { state: 'dead', reasons: ['x'], isSuspect: false, deadSinceMs: 1 },
        signals: signals({ isProcessAlive: false }),
      },
      ['dead error environment why-gone'],
    ],
    ...(
      [
        [10, 'abort-nan', 'error bug inspect-batch'],
        [13, 'abort-idle', 'error clock why-silent'],
        [14, 'stopped', 'warn clock resume'],
        [1, 'units-failed', 'error bug collect-evidence'],
        [70, 'runner-error', 'error bug collect-evidence'],
      ] as const
    ).map(
      ([code, reason, expected]) =>
        [
          `ended: ${reason}`,
          {
            liveness: { state: 'finished', reasons: ['x'], isSuspect: false, deadSinceMs: null },
            signals: signals({ isProcessAlive: false, exit: exit(code, reason) }),
          },
          [`cut-short ${expected}`],
        ] as const,
    ),
    [
      'unknown for two ticks',
      { liveness: { state: 'unknown', reasons: ['x'], isSuspect: false, deadSinceMs: null }, unknownTicks: 2 },
      ['unknown-state warn link reconnect'],
    ],
    [
      'another machine',
      {
        liveness: { state: 'unknown', reasons: ['x'], isSuspect: false, deadSinceMs: null },
        signals: signals({ isSameMachine: false }),
      },
      ['another-machine error link host-identity'],
    ],
    ['out of hours', { signals: signals({ elapsedSeconds: 3600 }) }, ['over-hours error clock ask-person']],
    ['lease', { lease: { openedAtMs: 0, untilMs: 1_050_000 } }, ['lease error clock park']],
  ])('%s', (_, changes, expected) => expect(active(changes)).toEqual(expected))

  it('stay open when the figure is not known', () => {
    const unseen = conditionsOf(
      input({
        disks: [disk({ usedFraction: null, usedInodes: null, secondsToFull: null, growthSamples: 0 })],
        machine: { ...machine, memoryWorkingBytes: null, oomKills: null, skewSeconds: null },
      }),
    )
    for (const rule of [
      'disk-bytes/boxes',
      'disk-inodes/boxes',
      'disk-trend/boxes',
      'memory-limit',
      'oom-kill',
      'clock-skew',
    ])
      expect([rule, unseen.find((c) => c.rule === rule)?.isActive]).toEqual([rule, null])
  })

  it('speaks of no cards where there are none', () => {
    expect(active({ gpu: { kind: 'none', atMs: 0 } })).toEqual([])
    expect(active({ gpu: { kind: 'unknown', atMs: 0, reason: 'hung' } })).toEqual([])
  })
})

describe('episodes', () => {
  const condition = (isActive: boolean | null, severity: Condition['severity'] = 'warn'): Condition => ({
    rule: 'r',
    isActive,
    severity,
    class: 'capacity',
    text: 't',
    evidence: 'e',
    remedy: 'x',
    recipe: 'y',
  })
  const play = (steps: readonly Condition[]) => {
    let findings: readonly (Finding & { closedAtMs: number | null })[] = []
    let ids = 0
    const events: string[] = []
    for (const step of steps) {
      const { opened, closed } = episodes([step], findings, () => `f${ids++}`)
      findings = findings.map((f) => (closed.some((c) => c.findingId === f.findingId) ? { ...f, closedAtMs: 1 } : f))
      findings = [...findings, ...opened.map((f) => ({ ...f, closedAtMs: null }))]
      events.push(
        [...closed.map((c) => `-${c.findingId}`), ...opened.map((f) => `+${f.findingId}:${f.severity}`)].join(' '),
      )
    }
    return events
  }
  it('warns once, clears, and warns again', () => {
    expect(
      play([condition(true), condition(true), condition(null), condition(false), condition(false), condition(true)]),
    ).toEqual(['+f0:warn', '', '', '-f0', '', '+f1:warn'])
  })
  it('says again what grows worse, not what grows milder', () => {
    expect(play([condition(true), condition(true, 'error'), condition(true), condition(false)])).toEqual([
      '+f0:warn',
      '-f0 +f1:error',
      '',
      '-f1',
    ])
  })
})

describe('rows', () => {
  const unit = (changes: Partial<UnitStatus>): UnitStatus => ({
    unit: 'a',
    index: 0,
    state: 'done',
    worker: 1,
    attempt: 1,
    startedAtMs: 0,
    endedAtMs: 0,
    seconds: 10,
    exitCode: 0,
    step: null,
    metrics: { acc: 0.9 },
    nanCount: 0,
    logBytes: 1,
    lastWriteMs: 1,
    ...changes,
  })
  it('has an ETA from measured durations only', () => {
    const running = unit({ unit: 'b', state: 'running', seconds: 4, step: 2, metrics: {} })
    const queued = unit({ unit: 'c', state: 'queued', seconds: null, metrics: {} })
    const { rows, eta } = rowsOf({ units: [unit({}), running, queued] }, 'acc', 1)
    expect(rows.map((r) => [r.metric, r.etaSeconds])).toEqual([
      [0.9, null],
      [null, 6],
      [null, null],
    ])
    expect(eta).toEqual({ secondsP50: 16, secondsP90: null, samples: 1 })
    expect(rowsOf({ units: [running, queued] }, 'acc', 1).eta).toBeNull()
    expect(rowsOf({ units: [unit({})] }, 'acc', 1).eta).toBeNull()
    expect(unitEtaSeconds({ ...running, metrics: { steps: 10 } }, null)).toBe(16)
  })
  it('knows no time left of a unit that is overdue or silent, and none of the run', () => {
    const late = unit({ unit: 'b', state: 'running', seconds: 40, step: 4, attempt: 2, metrics: { steps: 60 } })
    const { rows, eta } = rowsOf({ units: [unit({}), late] }, 'acc', 1)
    expect([rows[1]?.etaSeconds, rows[1]?.overdueSeconds, eta]).toEqual([null, 30, null])
    const silent = unit({ unit: 'b', state: 'running', seconds: 8, step: 4, metrics: { steps: 60 }, lastWriteMs: 1000 })
    const at = (atMs: number) => rowsOf({ atMs, units: [unit({}), silent] }, 'acc', 1, 60)
    expect(at(62_000).rows[1]).toMatchObject({ isStalled: true, etaSeconds: null })
    expect(at(62_000).eta).toBeNull()
    expect(at(60_000).rows[1]).toMatchObject({ isStalled: false, etaSeconds: 112 })
  })
  it('takes bands from configuration and nothing else', () => {
    expect(thresholdsWith({ stallSeconds: 5, nonsense: 3, diskWarnFraction: 'x', gpuHotCelsius: Number.NaN })).toEqual({
      ...defaultThresholds,
      stallSeconds: 5,
    })
  })
})
