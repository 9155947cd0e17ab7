import type { Finding } from './types.ts'

/** Recipes that come with kx and serve what the rules on curves find, by rule; the others need a decision, not a runbook. */
export const recipeByRule: Readonly<Record<string, string>> = {
  'non-finite': 'inspect-batch',
  'loss-spike': 'inspect-batch',
  spikes: 'inspect-batch',
  extreme: 'inspect-batch',
  divergence: 'inspect-batch',
  'throughput-loss': 'noisy-neighbour',
  'low-utilisation': 'profile-loader',
  'fast-finish': 'aggregate-verify',
  'below-chance': 'parse-outputs',
  cost: 'ask-person',
}

/** A recipe for a finding, with what it takes from it. */
export interface Offered {
  readonly recipe: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Null: no recipe serves it. */
export function offeredFor({ rule, unit: told, units, metric, what }: Finding): Offered | null {
  const recipe = recipeByRule[rule]
  const unit = units?.[0] ?? told
  if (recipe === undefined) return null
  const parameters: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'profile-loader': unit === '' ? {} : { unit },
    'aggregate-verify': metric === '' ? {} : { metric },
    'ask-person': { question: what },
  }
  return { recipe, parameters: parameters[recipe] ?? {} }
}
