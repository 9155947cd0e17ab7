import type { MeterVerb, Profile } from './schema.ts'

/** What a person has to do where kx cannot end a meter itself, in words (handbook platforms 5). */
export interface MeterSteps {
  /** The verb, literally as the platform names it. */
  readonly verb: string
  readonly by: MeterVerb['by']
  /** One act each, in their order; never empty. */
  readonly steps: readonly string[]
  readonly dies: string
  readonly stillBills: string
  readonly isReversible: boolean
  /** What must be said first; null: nothing beyond what dies. */
  readonly warning: string | null
  /** True only when the profile says that this verb ends everything or the compute meter. */
  readonly endsMeter: boolean
  /** How it is seen afterwards that it worked. */
  readonly proof: string
}

/**
 * The exact steps of one verb; without a name, of the verb that ends this platform's meter. Null: the profile knows no such
 * verb, so nobody can say how the meter ends there.
 */
export function meterSteps(profile: Profile, verb: string = profile.meterStopVerb): MeterSteps | null {
  const found = profile.billing.verbs.find((each) => each.verb === verb)
  if (found === undefined) return null
  return {
    verb: found.verb,
    by: found.by,
    steps: found.steps ?? [found.how],
    dies: found.dies,
    stillBills: found.stillBills,
    isReversible: found.isReversible,
    warning: found.warning ?? null,
    endsMeter: found.ends === 'everything' || found.ends === 'compute',
    proof: profile.billing.absenceProof,
  }
}

/** The steps as lines to print: what to do, what dies, what goes on billing, what to look for. */
export function meterStepLines(steps: MeterSteps): string[] {
  return [
    `${steps.verb}${steps.isReversible ? '' : ' (cannot be undone)'}:`,
    ...steps.steps.map((step, i) => `  ${steps.steps.length > 1 ? `${i + 1}. ` : ''}${step}`),
    ...(steps.warning === null ? [] : [`  careful: ${steps.warning}`]),
    `  dies: ${steps.dies}`,
    `  still bills: ${steps.stillBills}`,
    ...(steps.endsMeter ? [] : ['  this verb does not end the meter by itself']),
    `  seen by: ${steps.proof}`,
  ]
}
