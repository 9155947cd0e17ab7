import type { Condition } from '../types.ts'

type Advice = Pick<Condition, 'class' | 'remedy' | 'recipe'>

const byReason: Readonly<Record<string, Advice>> = {
  'abort-nan': {
    class: 'bug',
    remedy: 'Read the unit with the value that is no number; mend data, rate or precision, and begin a new run.',
    recipe: 'inspect-batch',
  },
  'abort-chance': {
    class: 'bug',
    remedy: 'Read code and labels: what is no better than guessing needs a change, and then a new run.',
    recipe: 'collect-evidence',
  },
  'abort-time': {
    class: 'clock',
    remedy: 'Let a person allow more hours, then launch again: what is finished is skipped and the rest resumes.',
    recipe: 'ask-person',
  },
  'abort-idle': {
    class: 'clock',
    remedy: 'Look why the silent unit wrote nothing; then launch again: what is finished is skipped, the rest resumes.',
    recipe: 'why-silent',
  },
  stopped: {
    class: 'clock',
    remedy: 'Nothing is broken: launch again to go on where it stopped, or pull what is there and tear it down.',
    recipe: 'resume',
  },
  'units-failed': {
    class: 'bug',
    remedy: 'Read the logs of the units that failed; a relaunch runs only what is not finished.',
    recipe: 'collect-evidence',
  },
  'after-failed': {
    class: 'invalid',
    remedy: 'Read the log of the step after the units: all units are finished, and a relaunch runs that step alone.',
    recipe: 'collect-evidence',
  },
  'artifacts-missing': {
    class: 'invalid',
    remedy: 'Compare the artifacts that the plan declares with what the units write.',
    recipe: 'parse-outputs',
  },
}

/** What fits a run that ended in order and short of its goal (handbook monitoring 8.1), by the runner's own reason. */
export function cutShortRemedy(reason: string): Advice {
  const known = Object.hasOwn(byReason, reason) ? byReason[reason] : undefined
  return known ?? { class: 'bug', remedy: 'Read the log of the runner and of its units.', recipe: 'collect-evidence' }
}
