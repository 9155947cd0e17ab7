import type { RunState } from '../run/types.ts'
import type { Spend } from './rules/condition-input.ts'

/** Money of a run until now from its meters, with the estimate and the cap that were approved. `budgetUsd`: cap of the plan, where nothing was approved. */
export function spendOf(state: RunState, budgetUsd: number, nowMs: number): Spend {
  const open = state.meters.filter((meter) => meter.closedAtMs === null)
  const launched = state.proofs.find((proof) => proof.kind === 'Receipt')?.atMs ?? nowMs
  const sum = (amounts: readonly (number | null)[]) =>
    amounts.reduce<number | null>((total, each) => (total === null || each === null ? null : total + each), 0)
  return {
    usd: sum(
      state.meters.map(({ usdPerHour, openedAtMs, closedAtMs }) =>
        usdPerHour === null ? null : (usdPerHour * Math.max(0, (closedAtMs ?? nowMs) - openedAtMs)) / 3_600_000,
      ),
    ),
    usdPerHour: sum(open.map((meter) => meter.usdPerHour)),
    estimateUsd: numberIn(state.latest.PricedPlan?.payload, 'usdP50'),
    capUsd: numberIn(state.latest.Approval?.payload, 'capUsd') ?? budgetUsd,
    meterSeconds:
      open.length === 0 ? null : Math.max(0, nowMs - Math.min(...open.map((meter) => meter.openedAtMs))) / 1000,
    sinceLaunchSeconds: Math.max(0, nowMs - launched) / 1000,
  }
}

function numberIn(payload: unknown, name: string): number | null {
  const value = (payload as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
