import type { Plan } from '../../spec/schema.ts'
import { formatBytes, formatCount, formatDuration, formatNumber, formatPercent } from '../../text/format.ts'
import type { Condition, CrashMark, DiskFigure, GpuPanel, Liveness, MachineFigure, Signals, UnitRow } from '../types.ts'
import { diagnoseExit, mostTelling } from './classify.ts'
import { primaryMetric } from './rows.ts'
import type { Thresholds } from './thresholds.ts'

/** Everything that the rules look at: this tick's figures and what earlier ticks left. */
export interface ConditionsInput {
  readonly nowMs: number
  readonly plan: Plan
  readonly liveness: Liveness
  readonly signals: Signals
  readonly units: readonly UnitRow[]
  readonly disks: readonly DiskFigure[]
  readonly machine: MachineFigure
  readonly gpu: GpuPanel
  /** All marks of units since launch, not only those of this tick. */
  readonly marks: readonly CrashMark[]
  /** Kills for want of memory when the run was first looked at. */
  readonly oomBaseline: number | null
  /** Mean GPU utilisation over the last window, and how long the window is. */
  readonly gpuWindow: { readonly percent: number; readonly seconds: number } | null
  /** Median seconds of a unit: of finished ones, else as the smoke measured it. */
  readonly expectedUnitSeconds: number | null
  /** What the smoke measured alone. */
  readonly smokeUnitSeconds: number | null
  readonly checkpointIntervalSeconds: number | null
  /** Ticks in a row, this one included, that could not tell the state. */
  readonly unknownTicks: number
  readonly lease: { readonly openedAtMs: number; readonly untilMs: number } | null
  readonly thresholds: Thresholds
}

type Rule = (input: ConditionsInput) => readonly Condition[]

const isAtLeast = (value: number | null, limit: number): boolean | null => (value === null ? null : value >= limit)

const disk: Rule = ({ disks, thresholds, checkpointIntervalSeconds }) =>
  disks.flatMap((figure) => {
    const common = { class: 'capacity' as const, recipe: 'free-disk' }
    const inodeFraction =
      figure.usedInodes === null || figure.totalInodes === null || figure.totalInodes === 0
        ? null
        : figure.usedInodes / figure.totalInodes
    const errorSeconds = Math.max(thresholds.fullErrorSeconds, 2 * (checkpointIntervalSeconds ?? 0))
    const bytesLeft = formatBytes(figure.freeBytes)
    return [
      {
        ...common,
        rule: `disk-bytes/${figure.tier}`,
        isActive: isAtLeast(figure.usedFraction, thresholds.diskWarnFraction),
        severity: (figure.usedFraction ?? 0) >= thresholds.diskErrorFraction ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} is ${formatPercent(figure.usedFraction)} full`,
        evidence: `${figure.path}: ${bytesLeft} free`,
        remedy:
          'Prune periodic checkpoints and keep the best; if that is not enough, ask for a larger disk with the figure.',
      },
      {
        ...common,
        rule: `disk-inodes/${figure.tier}`,
        recipe: 'free-inodes',
        isActive: isAtLeast(inodeFraction, thresholds.diskWarnFraction),
        severity: (inodeFraction ?? 0) >= thresholds.diskErrorFraction ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} has used ${formatPercent(inodeFraction)} of its inodes`,
        evidence: `${figure.path}: ${formatCount(figure.freeInodes)} inodes free`,
        remedy: 'Pack small files of finished units into archives, and cap outputs per sample.',
      },
      {
        ...common,
        rule: `disk-trend/${figure.tier}`,
        isActive:
          figure.secondsToFull === null
            ? figure.growthSamples > 0
              ? false
              : null
            : figure.secondsToFull < thresholds.fullWarnSeconds,
        severity:
          (figure.secondsToFull ?? Number.POSITIVE_INFINITY) < errorSeconds ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} is full in ${formatDuration(figure.secondsToFull)} at this growth`,
        evidence: `${bytesLeft} free, ${formatBytes(figure.growthBytesPerSecond)}/s over ${figure.growthSamples} samples`,
        remedy: 'Find what grows; free scratch before it is full, or ask for a larger disk.',
      },
    ]
  })

const memory: Rule = ({ machine, oomBaseline, thresholds }) => {
  const limit = machine.memoryLimitBytes
  const fraction =
    typeof limit === 'number' && machine.memoryWorkingBytes !== null ? machine.memoryWorkingBytes / limit : null
  const kills = machine.oomKills === null || oomBaseline === null ? null : machine.oomKills - oomBaseline
  return [
    {
      rule: 'memory-limit',
      isActive: limit === 'none' ? false : isAtLeast(fraction, thresholds.memoryWarnFraction),
      severity: 'warn',
      class: 'capacity',
      text: `memory is at ${formatPercent(fraction)} of the container's limit`,
      evidence: `${formatBytes(machine.memoryWorkingBytes)} of ${typeof limit === 'number' ? formatBytes(limit) : 'no limit'}`,
      remedy: 'Hold workers and loaders against the limit before the kernel does; not the batch size.',
      recipe: 'host-memory',
    },
    {
      rule: 'oom-kill',
      // A kill does not un-happen: the finding stays until a person has seen it.
      isActive: kills === null ? null : kills > 0 ? true : null,
      severity: 'error',
      class: 'capacity',
      text: `the kernel killed ${formatCount(kills)} times for want of memory (${machine.oomScope})`,
      evidence: `oom_kill ${formatCount(oomBaseline)} at first look, ${formatCount(machine.oomKills)} now`,
      remedy: 'Hold workers and loaders against the memory limit, then retry the same configuration.',
      recipe: 'host-memory',
    },
  ]
}

const gpus: Rule = ({ gpu, gpuWindow, plan, units, thresholds }) => {
  if (plan.resources.compute !== 'gpu' || gpu.kind !== 'known') return []
  const found: Condition[] = gpu.gpus.flatMap((card, at) => {
    const name = `GPU ${card.index ?? at}`
    const fraction =
      card.memoryUsedMiB === null || card.memoryTotalMiB === null ? null : card.memoryUsedMiB / card.memoryTotalMiB
    const isHot = isAtLeast(card.temperatureCelsius, thresholds.gpuHotCelsius)
    const share =
      card.smClockMHz === null || card.smClockMaxMHz === null || card.smClockMaxMHz === 0
        ? null
        : card.smClockMHz / card.smClockMaxMHz
    const isSlow =
      card.isSlowedByHardware === true || (isHot === true && share !== null && share < thresholds.gpuClockFraction)
    return [
      {
        rule: `gpu-memory/${card.index ?? at}`,
        isActive: isAtLeast(fraction, thresholds.gpuMemoryWarnFraction),
        severity: (fraction ?? 0) > thresholds.gpuMemoryErrorFraction ? ('error' as const) : ('warn' as const),
        class: 'bug' as const,
        text: `${name}: ${formatPercent(fraction)} of its memory is used`,
        evidence: `${formatCount(card.memoryUsedMiB)} of ${formatCount(card.memoryTotalMiB)} MiB`,
        remedy: 'Walk the fit ladder before it overflows: smaller micro-batch with accumulation first.',
        recipe: 'vram-fit',
      },
      {
        rule: `gpu-slowdown/${card.index ?? at}`,
        isActive: isHot === null && card.isSlowedByHardware === null ? null : isHot === true || isSlow,
        severity: isSlow ? ('error' as const) : ('warn' as const),
        class: 'hardware' as const,
        text: isSlow ? `${name} is slowed down by heat or power` : `${name} is hot`,
        evidence: `${formatNumber(card.temperatureCelsius)} °C, clock at ${formatPercent(share)} of its maximum`,
        remedy: 'Take another machine; do not fight this one.',
        recipe: 'gpu-preflight',
      },
    ]
  })
  found.push({
    rule: 'gpu-lost',
    isActive: gpu.lost.length > 0 || (gpu.xids ?? []).some((xid) => xid === 48 || xid === 79),
    severity: 'error',
    class: 'hardware',
    text: 'a card no longer answers',
    evidence: gpu.lost[0] ?? `Xid ${(gpu.xids ?? []).join(', ')}`,
    remedy: 'Stop, and go on from the checkpoint on another machine.',
    recipe: 're-rent',
  })
  const advances = units.some((unit) => unit.state === 'running' && (unit.step ?? 0) > 0)
  const isLow =
    gpuWindow === null || gpuWindow.seconds < thresholds.gpuLowSeconds
      ? null
      : gpuWindow.percent < thresholds.gpuLowPercent
  found.push({
    rule: 'gpu-idle',
    isActive: isLow,
    severity: 'warn',
    class: 'observation',
    text: `the cards are used to ${formatNumber(gpuWindow?.percent ?? null, 3)} % over ${formatDuration(gpuWindow?.seconds ?? null)}`,
    evidence: advances ? 'steps advance: the loader is the bottleneck' : 'no step advances',
    remedy: advances
      ? 'Measure data time against compute time of a step.'
      : 'Look whether the run waits for something.',
    recipe: advances ? 'profile-loader' : 'why-silent',
  })
  return found
}

const training: Rule = ({ units, plan, marks, expectedUnitSeconds, smokeUnitSeconds, thresholds }) => {
  const found: Condition[] = [slowerThanSmoke(expectedUnitSeconds, smokeUnitSeconds, thresholds)]
  for (const row of units) {
    if (row.state === 'queued') continue
    const about = { unit: row.unit }
    found.push({
      ...about,
      rule: 'unit-nan',
      isActive: row.nanCount > 0,
      severity: 'error',
      class: 'bug',
      text: `${row.unit} has ${formatCount(row.nanCount)} values that are no numbers`,
      evidence: `step ${formatCount(row.step)}`,
      remedy: 'Stop the run. The same step each time points to the data, varying steps to rate or precision.',
      recipe: 'inspect-batch',
    })
    if (row.state === 'failed') {
      const mark = mostTelling(marks.filter((each) => each.unit === row.unit))
      const diagnosis = diagnoseExit(row.exitCode)
      found.push({
        ...about,
        rule: 'unit-failed',
        isActive: true,
        severity: 'error',
        class: mark?.class ?? diagnosis.class,
        text: `${row.unit} failed with ${row.exitCode === null ? 'an unknown code' : `code ${row.exitCode}`}`,
        evidence: mark?.line ?? diagnosis.word,
        remedy: mark?.remedy ?? diagnosis.remedy,
        recipe: mark?.recipe ?? diagnosis.recipe,
      })
    } else if (row.state === 'done' || row.state === 'running') found.push(clear('unit-failed', row.unit, 'bug'))
    found.push(...duration(row, expectedUnitSeconds, thresholds))
    const mark = mostTelling(marks.filter((each) => each.unit === row.unit))
    if (row.state === 'running' && mark !== null)
      found.push({
        ...about,
        rule: 'crash-mark',
        isActive: true,
        severity: 'error',
        class: mark.class,
        text: `${row.unit}: ${mark.word} in its log`,
        evidence: mark.line,
        remedy: mark.remedy,
        recipe: mark.recipe,
      })
    else if (row.state !== 'running') found.push(clear('crash-mark', row.unit, 'bug'))
  }
  found.push(...belowChance(units, plan, thresholds))
  return found
}

const clear = (rule: string, unit: string, kind: Condition['class']): Condition => ({
  rule,
  unit,
  isActive: false,
  severity: 'error',
  class: kind,
  text: '',
  evidence: '',
  remedy: '',
  recipe: '',
})

/** The whole run is slower than its smoke: one finding, with what it means for the estimate. */
function slowerThanSmoke(usual: number | null, smoke: number | null, thresholds: Thresholds): Condition {
  const times = usual === null || smoke === null || smoke <= 0 ? null : usual / smoke
  return {
    rule: 'units-slow',
    isActive: times === null ? null : times > thresholds.slowUnitTimes,
    severity: 'warn',
    class: 'observation',
    text: `units take ${formatNumber(times, 2)} times as long as in the smoke`,
    evidence: `${formatDuration(usual)} each, the smoke took ${formatDuration(smoke)}`,
    remedy: 'Look at load and clocks; hours and money will be exceeded by as much.',
    recipe: 'why-silent',
  }
}

function duration(row: UnitRow, expected: number | null, thresholds: Thresholds): readonly Condition[] {
  if (expected === null || expected <= 0 || row.seconds === null) return []
  const times = row.seconds / expected
  const isWorthALook = row.seconds - expected >= thresholds.slowUnitLossSeconds
  const isSlow = times > thresholds.slowUnitTimes && isWorthALook && row.state !== 'failed'
  return [
    {
      rule: 'unit-slow',
      unit: row.unit,
      isActive: isSlow,
      severity: times > thresholds.tooSlowUnitTimes ? 'error' : 'warn',
      class: 'observation',
      text: `${row.unit} takes ${formatNumber(times, 2)} times as long as expected`,
      evidence: `${formatDuration(row.seconds)}, expected ${formatDuration(expected)}`,
      remedy: 'Look whether it advances; a noisy neighbour or a slower clock shows beside it.',
      recipe: 'why-silent',
    },
    {
      rule: 'unit-fast',
      unit: row.unit,
      isActive: row.state === 'done' && times < thresholds.fastFinishFraction,
      severity: 'warn',
      class: 'invalid',
      text: `${row.unit} ended in ${formatPercent(times)} of the expected time`,
      evidence: `${formatDuration(row.seconds)}, expected ${formatDuration(expected)}`,
      remedy: 'Look at its last lines, steps and results before believing it.',
      recipe: 'collect-evidence',
    },
  ]
}

/** The first units that finished are no better than guessing (handbook monitoring 5). */
function belowChance(units: readonly UnitRow[], plan: Plan, thresholds: Thresholds): readonly Condition[] {
  const metric = primaryMetric(plan)
  if (metric?.chance === undefined) return []
  const { chance } = metric
  const wanted = plan.abort.belowChanceAfterUnits ?? thresholds.chanceUnits
  const values = units.flatMap((unit) => (unit.state === 'done' && unit.metric !== null ? [unit.metric] : []))
  if (values.length < wanted) return []
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return [
    {
      rule: 'below-chance',
      isActive: metric.direction === 'lower' ? mean >= chance : mean <= chance,
      severity: 'error',
      class: 'bug',
      text: `${metric.name} is no better than guessing`,
      evidence: `mean ${formatNumber(mean)} over ${values.length} units, chance ${formatNumber(chance)}`,
      remedy: 'Stop the run, and read code and labels.',
      recipe: 'collect-evidence',
    },
  ]
}

const whole: Rule = ({ liveness, signals, nowMs, plan, lease, unknownTicks, machine, thresholds }) => {
  const { state, reasons } = liveness
  const why = reasons.join('; ')
  const isKnown = state !== 'unknown'
  const isReboot = signals.isSameBoot === false
  const left = lease === null ? null : (lease.untilMs - nowMs) / Math.max(1, lease.untilMs - lease.openedAtMs)
  const hours = signals.elapsedSeconds === null ? null : signals.elapsedSeconds / 3600
  return [
    {
      rule: 'stalled',
      isActive: isKnown ? state === 'stalled' : null,
      severity: 'error',
      class: 'observation',
      text: signals.isProcessAlive === false ? 'the run goes on without its runner' : 'the run is alive and silent',
      evidence: why,
      ...(signals.isProcessAlive === false
        ? {
            remedy: 'Let the units that still run end, then launch again: what is finished is skipped.',
            recipe: 'resume',
          }
        : {
            remedy:
              'Look whether output is buffered or the run is bound by data before anything else; never restart it blindly.',
            recipe: 'why-silent',
          }),
    },
    {
      rule: 'dead',
      isActive: isKnown ? state === 'dead' : null,
      severity: 'error',
      class: isReboot ? 'environment' : deadClass(signals),
      text: 'the run is dead',
      evidence: why,
      remedy: isReboot
        ? 'Launch again: finished units are skipped and the rest resumes.'
        : 'Ask kernel log, cards, control group and uptime in this order; resume only if the class allows.',
      recipe: isReboot ? 'resume' : 'why-gone',
    },
    {
      rule: 'suspect-finish',
      isActive: isKnown ? state === 'finished' && liveness.isSuspect : null,
      severity: 'warn',
      class: 'invalid',
      text: 'the end of the run is not to be believed yet',
      evidence: why,
      remedy: 'Look at roster, steps and last lines before anything is removed.',
      recipe: 'collect-evidence',
    },
    {
      rule: 'unknown-state',
      isActive: state === 'unknown' ? (unknownTicks >= thresholds.unknownTicks ? true : null) : false,
      severity: 'warn',
      class: 'link',
      text: 'it is not known how the run is',
      evidence: why,
      remedy: 'Look at machine, balance and address; never restart the run because of a lost link.',
      recipe: 'reconnect',
    },
    {
      rule: 'another-machine',
      isActive: signals.isSameMachine === null ? null : !signals.isSameMachine,
      severity: 'error',
      class: 'link',
      text: 'another machine answers under the name of this host',
      evidence: why,
      remedy: 'Touch nothing there; compare both identities.',
      recipe: 'host-identity',
    },
    {
      rule: 'past-end',
      isActive: signals.isProcessAlive === true && signals.exit !== null,
      severity: 'warn',
      class: 'observation',
      text: 'the run goes on after its own end',
      evidence: why,
      remedy: 'Wait for it; nothing is torn down before it is gone.',
      recipe: 'why-silent',
    },
    {
      rule: 'heartbeat',
      isActive:
        signals.isProcessAlive !== true || signals.heartbeatAgeSeconds === null
          ? signals.isProcessAlive === false
            ? false
            : null
          : signals.heartbeatAgeSeconds > thresholds.heartbeatStaleSeconds,
      severity: 'warn',
      class: 'observation',
      text: 'the runner is alive and no longer says so',
      evidence: `heartbeat ${formatDuration(signals.heartbeatAgeSeconds)} old`,
      remedy: 'Look at the state of the process and at the disk that it writes to.',
      recipe: 'why-silent',
    },
    {
      rule: 'over-hours',
      isActive: hours === null ? null : hours >= plan.budget.hours * thresholds.overBudgetFraction,
      severity: 'error',
      class: 'clock',
      text: `the run has used its ${formatNumber(plan.budget.hours)} hours`,
      evidence: `${formatDuration(signals.elapsedSeconds)} since the first unit began`,
      remedy: 'Stop it, or let a person allow more hours.',
      recipe: 'ask-person',
    },
    {
      rule: 'lease',
      isActive:
        left === null ? false : left <= thresholds.leaseWarnFraction && state !== 'finished' && state !== 'dead',
      severity: left !== null && left <= thresholds.leaseErrorFraction ? 'error' : 'warn',
      class: 'clock',
      text: `${formatPercent(left === null ? null : Math.max(0, left))} of the lease is left`,
      evidence: lease === null ? 'no lease' : `until ${new Date(lease.untilMs).toISOString()}`,
      remedy: 'Extend the lease, or let the run be parked.',
      recipe: 'park',
    },
    {
      rule: 'clock-skew',
      isActive: machine.skewSeconds === null ? null : Math.abs(machine.skewSeconds) > thresholds.skewSeconds,
      severity: 'warn',
      class: 'observation',
      text: `the clock of the host is off by ${formatDuration(Math.abs(machine.skewSeconds ?? 0))}`,
      evidence: `${formatNumber(machine.skewSeconds)} s against this machine`,
      remedy: 'Set the clock of the host (NTP): ages and leases rest on it.',
      recipe: 'collect-evidence',
    },
  ]
}

/** The reason in the exit file tells more than the fact that it ended. */
function deadClass(signals: Signals): Condition['class'] {
  const reason = signals.exit?.reason
  if (reason === 'abort-time' || reason === 'abort-idle' || reason === 'stopped') return 'clock'
  if (reason === 'abort-nan' || reason === 'abort-chance') return 'bug'
  if (reason === 'artifacts-missing' || reason === 'after-failed') return 'invalid'
  return reason === undefined ? 'environment' : 'bug'
}

const rules: readonly Rule[] = [whole, disk, memory, gpus, training]

/** All conditions of a tick. Pure: the same figures give the same conditions. */
export function conditionsOf(input: ConditionsInput): readonly Condition[] {
  return rules.flatMap((rule) => rule(input))
}
