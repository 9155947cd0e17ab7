import type { HostDollar } from '../host/zx/shell.ts'
import type { CellContext } from './contract.ts'

/** What a plain script is given beside the context, in place of what zx has by itself. */
export interface PlainScope {
  readonly context: CellContext<Record<string, unknown>>
  readonly bound: { $: HostDollar; readonly local$: HostDollar }
  readonly question: (text: string) => Promise<string>
}

/** By context, so that a cell of a plain script finds it without it being part of the contract. */
export const scopes = new WeakMap<CellContext<Record<string, unknown>>, PlainScope>()
