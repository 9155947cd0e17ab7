import { askCell, hostOfCell } from './asking.ts'
import type { CellPlan } from './contract.ts'
import type { CellDescription } from './describe.ts'
import { AskFailed } from './process.ts'
import type { Frozen, Opened } from './request.ts'

/** What would happen in one cell on one host. */
export interface Planned {
  readonly cell: CellDescription
  readonly host: string
  readonly plan: CellPlan
}

/** Asks every cell what it would change, hosts side by side. A look that fails is an answer: unknown. */
export async function planAll(
  opened: Opened,
  hosts: readonly string[],
  which: (cell: CellDescription, host: string) => boolean,
): Promise<readonly Planned[]> {
  const { description } = opened
  const perHost = await inPool(hosts, description.fanOut.cap, async (host) => {
    const planned: Planned[] = []
    for (const cell of description.cells) {
      if (cell.on !== 'each' && host !== hosts[0]) continue
      if (!which(cell, hostOfCell(cell, host, hosts))) continue
      planned.push({ cell, host: hostOfCell(cell, host, hosts), plan: await planOne(opened, cell, { host, hosts }) })
    }
    return planned
  })
  return perHost.flat()
}

/** The plan of one cell as it is now. */
export async function planOne(
  opened: Opened,
  cell: CellDescription,
  at: { readonly host: string; readonly hosts: readonly string[] },
): Promise<CellPlan> {
  const writer = opened.rooms.context.cell
  try {
    const when = cell.parts.includes('when') ? await askCell(opened, 'when', cell, at, { writer, targets: [] }) : true
    if (when !== true) return { change: 'no', lines: [`not needed: ${when}`], foundBy: 'probe' }
    return await askCell(opened, 'plan', cell, at, { writer, targets: [] })
  } catch (error) {
    if (error instanceof AskFailed && error.how === 'aborted') throw error
    const why = error instanceof Error ? error.message : String(error)
    return { change: 'unknown', lines: [`the look failed: ${why}`], foundBy: 'declared' }
  }
}

/** The lists of a plan, to hold a later run to them. A cell that could not tell has none. */
export function frozenOf(planned: readonly Planned[]): Frozen {
  const frozen: Record<string, Record<string, readonly string[]>> = {}
  for (const { cell, host, plan } of planned)
    if (plan.targets !== undefined && plan.change !== 'unknown')
      frozen[host] = { ...frozen[host], [cell.name]: [...plan.targets] }
  return frozen
}

/** Does a thing for each, at most so many at once, in order of beginning. */
export async function inPool<T, R>(all: readonly T[], cap: number, work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(all.length)
  let next = 0
  const lane = async () => {
    for (let at = next; at < all.length; at = next) {
      next += 1
      results[at] = await work(all[at] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(cap, all.length) }, lane))
  return results
}
