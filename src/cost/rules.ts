import { youngSeconds } from '../estimate/checkpoint-interval.ts'
import { fitsGpu, trainingStateBytes } from '../estimate/vram.ts'
import { staleFromMs } from '../profile/staleness.ts'
import { hasNoMeter } from '../profile/tiers.ts'
import { formatBytes, formatHours } from '../text/format.ts'
import type { CheckedItem, How, Severity } from '../walk/item.ts'
import { fail, judged, notApplicable, pass, unknown, type Verdict } from '../walk/verdict.ts'
import { extrapolationText } from './extrapolate.ts'
import { capShortfall, figure } from './price.ts'
import type { CostInput } from './types.ts'

type Row = readonly [title: string, severity: Severity, how: How, fix: string, rule: (input: CostInput) => Verdict]

/** The items of the cost gate (handbook lifecycle 6.4), but for the approval itself, which is a proof of its own. */
const rows: Readonly<Record<string, Row>> = {
  'cost.workload': [
    'Hours, memory and disk follow from what was measured',
    'error',
    'auto',
    'Run the smoke until a whole unit or ten steps are measured.',
    workload,
  ],
  'cost.vram-fit': [
    'Models and data fit into GPU memory',
    'error',
    'auto',
    'Take a GPU with more memory, or fewer workers a GPU.',
    vramFit,
  ],
  'cost.smallest-fit': ['The next smaller machine would not do', 'warn', 'auto', 'Take the smaller machine.', rented],
  'cost.family-order': [
    'Machine families were tried in order',
    'info',
    'auto',
    'Look at the cheaper family first.',
    rented,
  ],
  'cost.local-enough': ['It is known whether this machine would do', 'info', 'auto', 'Run it here.', localEnough],
  'cost.time': [
    'Wall-clock is known as p50 and p90',
    'error',
    'auto',
    'Let the smoke measure at least ten steps.',
    time,
  ],
  'cost.machine-class': [
    'Measured on the kind of machine that it will run on',
    'warn',
    'auto',
    'Run the smoke on one machine of that class.',
    machineClass,
  ],
  'cost.money': [
    'Money is known with everything that bills',
    'error',
    'auto',
    'Fill in the price of the profile, with its source.',
    money,
  ],
  'cost.alternatives': [
    'Machines were compared by hours on each',
    'warn',
    'auto',
    'Measure on one more machine class.',
    rented,
  ],
  'cost.spot-choice': ['Spot is chosen only where it pays', 'error', 'auto', 'Use on-demand.', spot],
  'cost.spot-checklist': [
    'Spot has its three conditions',
    'error',
    'auto',
    'Use on-demand until checkpoints are proven, fast and resumed.',
    spot,
  ],
  'cost.deadline': [
    'The p90 ends before the deadline',
    'warn',
    'auto',
    'Use more workers, or move the deadline.',
    deadline,
  ],
  'cost.checkpoint-interval': [
    'Checkpoints come neither too often nor too seldom',
    'warn',
    'auto',
    'Move towards the interval shown.',
    interval,
  ],
  'cost.price-stamp': [
    'The price has a source and is fresh',
    'error',
    'auto',
    'Compare the price with its source and renew the stamp.',
    priceStamp,
  ],
  'cost.live-vram': ['GPU memory was read from the device', 'warn', 'auto', 'Audit the machine.', liveVram],
  'cost.meter-table': [
    'What stops, what still bills and what dies is shown',
    'error',
    'both',
    'Complete billing.verbs of the profile.',
    meterTable,
  ],
  'cost.cap': [
    'The cap covers the p90 in hours and money',
    'error',
    'auto',
    'Raise budget.hours and budget.usd, or do less.',
    cap,
  ],
  'cost.monitor-spend': [
    'Spending is watched against the estimate',
    'warn',
    'auto',
    'Set abort.costPercent.',
    monitorSpend,
  ],
  'cost.autoscale': ['An idle machine does not stay on', 'info', 'both', 'Set abort.idleMinutes.', autoscale],
  'cost.balance': ['The prepaid balance covers the cap', 'error', 'auto', 'Top up the balance.', balance],
}

/** Every item of the cost gate. */
export function costRules(input: CostInput): CheckedItem[] {
  return Object.entries(rows).map(([id, [title, severity, how, fix, rule]]) =>
    judged({ id, title, gate: 'cost', severity, how, fix }, rule(input), { atMs: input.nowMs }),
  )
}

const isGpu = ({ plan }: CostInput): boolean => plan.resources.compute === 'gpu'

function workload({ priced, smoke }: CostInput): Verdict {
  if (priced.hoursP50 === null) return unknown(priced.basis)
  const memory =
    smoke.peakRssBytes === null ? 'peak memory not measured' : `peak memory ${formatBytes(smoke.peakRssBytes)} a unit`
  return pass(
    `${priced.unitCount} units on ${priced.workers} workers; ${memory}; disk ${formatBytes(priced.disk.needBytes)}`,
    {
      detail: [
        priced.basis,
        priced.disk.isMeasured ? 'checkpoint size measured' : 'checkpoint size as declared, not measured',
      ],
      value: {
        unitCount: priced.unitCount,
        workers: priced.workers,
        peakRssBytes: smoke.peakRssBytes,
        diskBytes: priced.disk.needBytes,
      },
    },
  )
}

function vramFit(input: CostInput): Verdict {
  if (!isGpu(input)) return notApplicable('the plan asks for no GPU')
  const { model, resources } = input.plan
  if (model?.parameters === undefined || resources.gpuMemoryMiB === undefined)
    return unknown('the plan does not say model.parameters and resources.gpuMemoryMiB')
  const state = trainingStateBytes(model.parameters, model.precision)
  const workersPerGpu = Math.ceil(resources.workers / Math.max(1, resources.gpus ?? 1))
  const fit = fitsGpu({
    perWorkerBytes: state.maximumBytes,
    workersPerGpu,
    datasetBytes: 0,
    contextBytes: 2 * 1024 ** 3,
    usableMiB: resources.gpuMemoryMiB,
  })
  const said = `${formatBytes(fit.needBytes)} of weights, gradients, states and context (activations not counted) in ${formatBytes(fit.roomBytes)}`
  return fit.fits ? pass(said) : fail(said)
}

function rented({ profile }: CostInput): Verdict {
  return profile.kind === 'workstation'
    ? notApplicable('nothing is chosen: it runs on this machine')
    : unknown('offers are not looked at yet')
}

/** Handbook lifecycle 6.4: up to 2 h and 16 GB a run may stay at home. */
function localEnough({ profile, priced, smoke }: CostInput): Verdict {
  if (profile.kind === 'workstation') return pass('it runs on this machine')
  if (priced.hoursP90 === null || smoke.peakRssBytes === null) return unknown('hours or memory are not measured')
  const isSmall = priced.hoursP90 <= 2 && smoke.peakRssBytes * priced.workers <= 16e9
  return isSmall
    ? fail(`p90 of ${formatHours(priced.hoursP90)} and little memory: this machine would do`)
    : pass('too large for this machine')
}

function time({ priced }: CostInput): Verdict {
  const { hoursP50, hoursP90 } = priced
  if (hoursP50 === null || hoursP90 === null) return unknown(priced.basis)
  const value = { hoursP50, hoursP90, stepSamples: priced.stepSamples, unitSamples: priced.unitSamples }
  if (priced.isP90Assumed) return { ...unknown(priced.basis), value }
  return pass(`p50 ${formatHours(hoursP50)}, p90 ${formatHours(hoursP90)}`, { detail: [priced.basis], value })
}

function machineClass({ priced }: CostInput): Verdict {
  const { extrapolation } = priced
  if (extrapolation == null) return pass(`measured on ${priced.machineClass ?? 'a machine of unknown class'}`)
  const text = extrapolationText(extrapolation)
  return extrapolation.isFactorMeasured
    ? fail(text, { value: { ...extrapolation } })
    : { ...unknown(text), value: { ...extrapolation } }
}

function money({ profile, priced }: CostInput): Verdict {
  if (hasNoMeter(profile))
    return pass('$0: no meter runs on this machine; compute, disk, transfer and storage afterwards bill nothing', {
      detail: [profile.billing.priceSource],
      value: { usdP50: 0, usdP90: 0 },
    })
  if (priced.usdP90 === null || priced.usdP50 === null) return unknown('the price an hour, or the hours, are not known')
  return pass(`p50 $${figure(priced.usdP50)}, p90 $${figure(priced.usdP90)}`, {
    value: { usdP50: priced.usdP50, usdP90: priced.usdP90 },
    detail: [`$${priced.usdPerHour}/h: ${priced.priceSource}`],
  })
}

function spot({ profile }: CostInput): Verdict {
  return notApplicable(profile.spot.available ? 'on-demand is used' : `${profile.platform} has no spot machines`)
}

function deadline({ plan, priced, nowMs }: CostInput): Verdict {
  if (plan.deadline === undefined) return notApplicable('no deadline is set')
  if (priced.hoursP90 === null) return unknown('hours are not known')
  const hours = (Date.parse(plan.deadline) - nowMs) / 3_600_000
  const said = `p90 ${formatHours(priced.hoursP90)}, ${formatHours(hours)} until ${plan.deadline}`
  return priced.hoursP90 <= hours ? pass(said) : fail(said)
}

function interval({ profile, smoke }: CostInput): Verdict {
  if (profile.kind === 'workstation')
    return notApplicable('nobody interrupts this machine at a rate that could be counted')
  if (smoke.checkpointSeconds === null) return unknown('the time of a save was not measured')
  const day = youngSeconds(smoke.checkpointSeconds, 86_400)
  return unknown(`the interruption rate is not known; at one a day, every ${figure(day / 60)} min`)
}

function priceStamp({ profile, priced, nowMs }: CostInput): Verdict {
  const said = `${priced.priceSource}; verified ${profile.billing.verified}`
  return nowMs < staleFromMs(profile.billing.verified) ? pass(said) : fail(`${said}, which is six months ago or more`)
}

function liveVram(input: CostInput): Verdict {
  if (!isGpu(input)) return notApplicable('the plan asks for no GPU')
  return unknown('the audit of the machine reads it (audit.gpu-memory)')
}

function meterTable({ priced }: CostInput): Verdict {
  if (priced.verbs.length === 0) return fail('the profile has no meter table')
  return pass(`${priced.verbs.length} rows shown`, {
    detail: priced.verbs.map((v) => `${v.verb}: stops ${v.stops}; still bills ${v.stillBills}; dies: ${v.dies}`),
  })
}

function cap({ priced }: CostInput): Verdict {
  if (priced.hoursP90 === null || priced.usdP90 === null) return unknown(capShortfall(priced) ?? 'figures are missing')
  const short = capShortfall(priced)
  if (short !== null) return fail(short)
  return pass(
    `at most ${formatHours(priced.capHours)} and $${figure(priced.capUsd)}; lease ${formatHours(priced.leaseHours)}`,
  )
}

function monitorSpend({ plan, profile }: CostInput): Verdict {
  if (hasNoMeter(profile) || profile.billing.usdPerHour === 0) return notApplicable('nothing is spent')
  const { costPercent } = plan.abort
  return costPercent === undefined ? fail('no abort rule on cost') : pass(`stops at ${costPercent} % of the cap`)
}

function autoscale({ plan, profile }: CostInput): Verdict {
  if (plan.abort.idleMinutes !== undefined) return pass(`stops after ${plan.abort.idleMinutes} idle minutes`)
  return hasNoMeter(profile) ? notApplicable('an idle machine of one’s own bills nothing') : fail('no idle rule')
}

function balance({ profile }: CostInput): Verdict {
  if (hasNoMeter(profile)) return notApplicable('nothing is prepaid')
  // A box whose owner says that it costs nothing has no balance that could run out.
  if (profile.billing.usdPerHour === 0) return notApplicable('it costs nothing by its profile')
  return unknown('the provider has to be asked')
}
