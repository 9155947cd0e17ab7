import { formatBytes, formatDuration } from '../text/format.ts'
import { fail, notApplicable, pass, unknown, type Verdict } from '../walk/verdict.ts'
import { numberIn } from './readings.ts'
import type { SmokeFacts } from './types.ts'
import { exitText, isFine, type Row } from './verdict.ts'

/** One save should take no longer than this (handbook lifecycle 6.3, `smoke.checkpoint-time`). */
const longSaveSeconds = 30

/** A plan that keeps no checkpoints says so with `count: 0`. */
const keepsCheckpoints = ({ plan }: SmokeFacts) => plan.checkpoints.count > 0 && plan.checkpoints.bytes > 0
const none = notApplicable('the plan keeps no checkpoints')

const withCheckpoints = (rule: (facts: SmokeFacts) => Verdict) => (facts: SmokeFacts) =>
  keepsCheckpoints(facts) ? rule(facts) : none

/** First and last step of a whole unit, and the most that lies between two of its lines. */
function stepsOf({ units }: SmokeFacts): { readonly first: number; readonly last: number; readonly stride: number } {
  const steps = units[0]?.files.lines.flatMap((line) => numberIn(line, 'step') ?? []) ?? []
  const stride = steps.reduce((most, step, i) => Math.max(most, step - (steps[i - 1] ?? step)), 1)
  return { first: steps[0] ?? 1, last: steps.at(-1) ?? Number.POSITIVE_INFINITY, stride }
}

function resume(facts: SmokeFacts): Verdict {
  const { resume: drill } = facts
  if (drill.unseen !== null) return unknown(drill.unseen)
  if (drill.trouble !== null) return fail(drill.trouble)
  const { killedAtStep, resumedAtStep, resumed } = drill
  const { first, last, stride } = stepsOf(facts)
  if (resumed === null || killedAtStep === null) return unknown('the drill was not done to its end')
  if (!isFine(resumed)) return fail(`killed at step ${killedAtStep}; the second start: ${exitText(resumed.run)}`)
  if (resumedAtStep === null && killedAtStep >= last)
    return unknown(`killed at step ${killedAtStep}, its last: nothing was left to go on with`)
  if (resumedAtStep === null) return fail(`killed at step ${killedAtStep}; no step was written after that`)
  const value = { killedAtStep, resumedAtStep }
  if (!resumed.run.namesSteps)
    return unknown('the log names no step, so that it cannot be seen where the second start went on')
  if (resumedAtStep <= first && killedAtStep <= first)
    return unknown(
      `killed at step ${killedAtStep}, its first; it went on at step ${resumedAtStep}, as a start from zero would`,
      { value },
    )
  if (resumedAtStep <= first)
    return fail(`killed at step ${killedAtStep}; it began again at step ${resumedAtStep}`, { value })
  if (resumedAtStep > killedAtStep + stride)
    return fail(`killed at step ${killedAtStep}; it went on at step ${resumedAtStep}: steps are missing`, { value })
  return pass(`killed at step ${killedAtStep}, went on at step ${resumedAtStep}, and finished`, { value })
}

function roundTrip(facts: SmokeFacts): Verdict {
  const { resume: drill } = facts
  // Where a start from zero would look the same, an equal result shows nothing.
  const resumption = resume(facts)
  if (resumption.result === 'unknown') return resumption
  if (drill.trouble !== null) return fail(drill.trouble)
  if (drill.resumed === null || !isFine(drill.resumed)) return fail('the unit did not finish from its checkpoint')
  if (drill.isSameResult === null) return unknown('there are no metrics in both results to compare')
  if (drill.isSameResult) return pass('metrics of the killed and the undisturbed run are equal to the last bit')
  // Where arithmetic is not repeatable this says nothing against the checkpoint; it says so.
  return fail(
    'metrics of the killed and the undisturbed run differ: state is missing, or arithmetic is not repeatable',
    {
      severity: 'warn',
    },
  )
}

function corrupt({ corrupt: drill }: SmokeFacts): Verdict {
  if (drill.trouble !== null) return unknown(drill.trouble)
  if (drill.exitCode === 0)
    return fail(
      `a checkpoint cut in half was taken for none or for good: exit code 0${drill.isUntouched === false ? ', and it was replaced' : ''}`,
    )
  if (drill.isUntouched === null) return unknown('the checkpoint was not looked at afterwards')
  const how = drill.exitCode === null ? 'a signal' : `exit code ${drill.exitCode}`
  return drill.isUntouched
    ? pass(`refused with ${how}, the file left as it was`)
    : fail(`refused with ${how}, and the file was changed`)
}

function saveTime({ payload, isSpot, graceSeconds }: SmokeFacts): Verdict {
  const { checkpointSeconds, checkpointBytes } = payload
  const size = formatBytes(checkpointBytes)
  const soften = isSpot ? {} : { severity: 'warn' as const }
  if (checkpointSeconds === null) return { ...unknown(`${size}; the unit does not report checkpoint_s`), ...soften }
  const limit = isSpot && graceSeconds !== null ? Math.min(longSaveSeconds, graceSeconds) : longSaveSeconds
  const text = `${size} in ${formatDuration(checkpointSeconds)}, limit ${limit} s`
  return checkpointSeconds <= limit
    ? pass(text, { value: { checkpointSeconds, checkpointBytes, limitSeconds: limit } })
    : fail(text, soften)
}

export const checkpointRows: readonly Row[] = [
  [
    'smoke.checkpoint-roundtrip',
    'What is saved and loaded is what was',
    'error',
    'Save weights, optimiser, random state and position in the data.',
    withCheckpoints(roundTrip),
  ],
  [
    'smoke.resume',
    'Killed in the middle, the same command goes on',
    'error',
    'Load the newest checkpoint at every start.',
    withCheckpoints(resume),
  ],
  [
    'smoke.load-latest',
    'First start and resume are one path',
    'error',
    'Drop the resume flag: load what is there.',
    withCheckpoints((facts) => {
      const verdict = resume(facts)
      return verdict.result === 'pass' ? pass('the same words started and resumed it') : verdict
    }),
  ],
  [
    'smoke.corrupt-checkpoint',
    'An unreadable checkpoint stops the run instead of restarting it',
    'error',
    'Let the script end with an error when its checkpoint cannot be read.',
    withCheckpoints(corrupt),
  ],
  [
    'smoke.checkpoint-backup',
    'Two generations are kept',
    'warn',
    'Keep the checkpoint before the newest one.',
    withCheckpoints(({ units }) => {
      const kept = Math.max(0, ...units.map(({ files }) => files.checkpoints.length))
      if (kept === 0) return fail('no checkpoint was left in KX_CHECKPOINT_DIR')
      return kept >= 2 ? pass(`${kept} files`) : fail('one file only')
    }),
  ],
  [
    'smoke.checkpoint-time',
    'A save is short enough',
    'error',
    'Save less, or more rarely, or in the background.',
    withCheckpoints(saveTime),
  ],
  [
    'smoke.wrapper',
    'A second start of a finished unit changes nothing',
    'error',
    'Leave with 0 at once when result.json is there.',
    ({ again, plan }) => {
      if (plan.logPattern !== undefined)
        return notApplicable('without result.json nothing says that a unit is finished')
      if (again.trouble !== null) return fail(again.trouble)
      if (again.exitCode !== 0) return fail(`the second start left with ${again.exitCode ?? 'a signal'}`)
      return again.isUnchanged === true
        ? pass('exit code 0, result and metrics unchanged')
        : fail('the second start changed result.json or metrics.jsonl')
    },
  ],
]
