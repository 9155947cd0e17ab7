import type { CellPlan } from './contract.ts'
import type { CellDescription } from './describe.ts'
import type { RecipeAsker } from './request.ts'
import { planLines } from './rules.ts'

/** Passed, with who said yes; or why not. */
export type Gate =
  | { readonly isOpen: true; readonly by: string | null }
  | { readonly isOpen: false; readonly why: string }

interface Asked {
  readonly cell: CellDescription
  readonly host: string
  readonly plan: CellPlan
  readonly isYes: boolean
  readonly who: string
  /** The change was agreed to with all others of this recipe. */
  readonly isAgreed: boolean
}

/** The gate before a cell, by its risk (handbook notebook 4.4). It is here, in kx: a recipe cannot pass it by itself. */
export async function passGate(ask: RecipeAsker, { cell, host, plan, isYes, who, isAgreed }: Asked): Promise<Gate> {
  const lines = planLines(cell, host, plan)
  if (cell.risk === 'read') return { isOpen: true, by: null }
  if (cell.risk === 'change') {
    if (isYes || isAgreed) return { isOpen: true, by: who }
    const isOk = await ask.confirm(`${cell.title} on ${host}?`, lines)
    return isOk ? { isOpen: true, by: who } : { isOpen: false, why: 'nobody agreed to the change' }
  }
  if (cell.risk === 'spend') {
    const { price } = plan
    if (price === undefined)
      return { isOpen: false, why: 'it costs money, and its plan names no price: nobody can agree to that' }
    const shown = [
      ...lines,
      `Price  ${price.usdPerHour.toFixed(2)} USD per hour, from ${price.source}, seen ${new Date(price.atMs).toISOString()}`,
      `Cap    ${price.capUsd.toFixed(2)} USD`,
    ]
    if (isYes) return { isOpen: true, by: who }
    const isOk = await ask.confirm(`${cell.title} on ${host}? It costs up to ${price.capUsd.toFixed(2)} USD.`, shown)
    return isOk ? { isOpen: true, by: who } : { isOpen: false, why: 'nobody agreed to the price' }
  }
  // Whatever was agreed to before: what destroys wants the name, typed, each time.
  const typed = await ask.typed(`${cell.title} on ${host}. It cannot be taken back.`, host, lines)
  return typed?.trim() === host
    ? { isOpen: true, by: who }
    : { isOpen: false, why: `the name of the host was not typed, and --yes does not stand for it` }
}
