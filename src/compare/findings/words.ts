import { offeredFor } from './recipes.ts'
import type { Finding } from './types.ts'

/** `loss of split-0`: what a finding is about; empty where it is about the run. */
export const placeText = ({ metric, unit }: Finding, safe: (text: string) => string): string =>
  [metric, unit].filter(Boolean).map(safe).join(' of ')

/** `step 4`, `steps 4 to 9`; empty where no step is known. */
export function stepsText({ fromStep, toStep }: Finding): string {
  if (fromStep === null) return ''
  return toStep === null || toStep === fromStep ? `step ${fromStep}` : `steps ${fromStep} to ${toStep}`
}

/** `warning: spikes in loss`: what the rule is called, and about what. */
export function titleText(finding: Finding, safe: (text: string) => string): string {
  const place = placeText(finding, safe)
  return `${finding.severity}: ${finding.rule}${place ? ` in ${place}` : ''}`
}

/** One line for a report: everything that is known of a finding of one run. */
export function findingText(finding: Finding, run: string, safe: (text: string) => string): string {
  const { severity, rule, what, next } = finding
  const offered = offeredFor(finding)
  const place = placeText(finding, safe)
  const steps = stepsText(finding)
  return `${severity}, ${run}: ${rule}${place ? ` in ${place}` : ''}${steps ? ` at ${steps}` : ''}: ${what}. ${next}${offered === null ? '' : ` For a run of kx: kx recipe run ${offered.recipe}.`}`
}
