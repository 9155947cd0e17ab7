import { formatDuration, formatNumber, formatPercent, formatUsd, formatUsdPerHour } from '../../text/format.ts'
import type { Condition } from '../types.ts'
import type { ConditionsInput } from './condition-input.ts'

/** Beyond the hours of the plan times this a machine that is billed is an error (handbook monitoring 5, instance age). */
const tooLongTimes = 1.5

/**
 * Money against cap and estimate (handbook monitoring 5 "cost against estimate", lifecycle 6.6 `patrol.spend`): an error
 * at the cap, or at the share of it at which the plan says to stop; a warning above 120 % of the estimate, an error above
 * 150 %, and above 120 % already in the first 15 minutes. Where nothing is billed neither applies; an unknown price is
 * unknown, never zero. That less than 80 % is spent is no finding: a run begins at zero.
 */
export const moneyRule = ({
  spend,
  plan,
  thresholds,
}: Pick<ConditionsInput, 'spend' | 'plan' | 'thresholds'>): readonly Condition[] => {
  if (spend === undefined || (spend.usd === 0 && spend.usdPerHour === 0)) return []
  const { usd, usdPerHour, estimateUsd, capUsd, meterSeconds, sinceLaunchSeconds } = spend
  const share = (plan.abort.costPercent ?? 100) / 100
  const limitUsd = capUsd * Math.min(1, share)
  const times = usd === null || estimateUsd === null || !(estimateUsd > 0) ? null : usd / estimateUsd
  const isEarly = sinceLaunchSeconds <= thresholds.costEarlySeconds
  const errorAt = isEarly ? thresholds.costWarnFraction : thresholds.costErrorFraction
  const now = `${formatUsd(usd)} spent, ${formatUsdPerHour(usdPerHour)} goes on`
  return [
    {
      rule: 'cost-cap',
      isActive: usd === null ? null : usd >= limitUsd,
      severity: 'error',
      class: 'billing',
      text:
        share < 1
          ? `${formatPercent(share)} of the cap of ${formatUsd(capUsd)} is reached`
          : `the cap of ${formatUsd(capUsd)} is reached`,
      evidence: now,
      remedy: 'Stop it, or let a person approve a higher cap.',
      recipe: 'ask-person',
    },
    {
      rule: 'cost-estimate',
      isActive: times === null ? null : times > thresholds.costWarnFraction,
      severity: times !== null && times > errorAt ? 'error' : 'warn',
      class: 'billing',
      text: `${formatPercent(times)} of the estimated ${formatUsd(estimateUsd)} is spent`,
      evidence: `${now}, ${formatDuration(sinceLaunchSeconds)} after the launch`,
      remedy: 'Look what takes longer or costs more than the smoke said; let a person decide whether it goes on.',
      recipe: 'ask-person',
    },
    {
      rule: 'machine-age',
      isActive: meterSeconds !== null && meterSeconds > thresholds.machineWarnSeconds,
      severity: meterSeconds !== null && meterSeconds > plan.budget.hours * tooLongTimes * 3600 ? 'error' : 'warn',
      class: 'billing',
      text: `the machine is billed for ${formatDuration(meterSeconds)}`,
      evidence: `${now}; the plan allows ${formatNumber(plan.budget.hours)} h`,
      remedy: 'Look whether it still works for this run; tear it down when it does not.',
      recipe: 'ask-person',
    },
  ]
}
