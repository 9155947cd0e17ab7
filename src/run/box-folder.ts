import type { RunState } from './types.ts'

/** Folder on the box of the newest launch, as its receipt names it; null: nothing was launched. */
export function launchedFolder(state: RunState): string | null {
  const payload = state.latest.Receipt?.payload as
    | { readonly handle?: { readonly folder?: unknown } }
    | null
    | undefined
  const folder = payload?.handle?.folder
  return typeof folder === 'string' && folder.startsWith('/') ? folder.replace(/\/+$/, '') : null
}
