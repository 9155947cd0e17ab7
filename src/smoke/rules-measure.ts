import { formatDuration, plural } from '../text/format.ts'
import { fail, notApplicable, pass, unknown } from '../walk/verdict.ts'
import { enoughSteps, median } from './readings.ts'
import type { Row } from './verdict.ts'

export const measureRows: readonly Row[] = [
  [
    'smoke.measure',
    'Step time, unit time and peak memory are measured',
    'error',
    'Write step and time into every line of metrics.jsonl.',
    ({ payload }) => {
      const { stepSeconds, unitSeconds, droppedSteps, peakRssBytes } = payload
      const value = { steps: stepSeconds.length, units: unitSeconds.length, droppedSteps, peakRssBytes }
      const text = `${plural(stepSeconds.length, 'step')} kept (first ${droppedSteps} of each unit dropped), median ${formatDuration(median(stepSeconds))}; ${plural(unitSeconds.length, 'whole unit')}, median ${formatDuration(median(unitSeconds))}`
      if (stepSeconds.length === 0 && unitSeconds.length === 0)
        return fail('neither a step nor a whole unit could be measured')
      return stepSeconds.length >= enoughSteps
        ? pass(text, { value })
        : fail(`only ${text}`, { severity: 'warn', value })
    },
  ],
  [
    'smoke.cpu-share',
    'Threads of all workers fit into the cores',
    'warn',
    'Set resources.threadsPerWorker to cores divided by workers.',
    ({ plan, usableCores }) => {
      const { workers, threadsPerWorker } = plan.resources
      if (usableCores === null) return unknown('the number of usable cores is not known')
      if (threadsPerWorker === undefined)
        return workers === 1
          ? notApplicable('one worker may use all cores')
          : fail(`${plural(workers, 'worker')} without a thread limit on ${usableCores} cores`)
      const text = `${workers} x ${threadsPerWorker} threads on ${usableCores} cores`
      return workers * threadsPerWorker <= Math.ceil(usableCores) ? pass(text) : fail(text)
    },
  ],
  [
    'smoke.device-count',
    'The script runs on one GPU as on several',
    'warn',
    'Count devices at run time.',
    ({ plan }) =>
      plan.resources.compute === 'cpu'
        ? notApplicable('the plan computes on the CPU')
        : pass('run with one visible GPU, as each worker will have it'),
  ],
  [
    'smoke.process-per-gpu',
    'One process a GPU',
    'warn',
    'Start one process a worker.',
    ({ plan }) =>
      plan.resources.compute === 'cpu'
        ? notApplicable('the plan computes on the CPU')
        : unknown('patrol looks at the compute processes of each GPU'),
  ],
]
