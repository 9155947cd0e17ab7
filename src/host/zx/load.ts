import { killDispatcher } from './processes.ts'

export type Zx = typeof import('zx/core')

let loaded: Promise<Zx> | null = null

/** zx, loaded when first asked for, with its kill replaced before anybody can have a scope of it. */
export function loadZx(): Promise<Zx> {
  loaded ??= import('zx/core').then((zx) => {
    zx.defaults.kill = killDispatcher(zx.defaults.kill)
    return zx
  })
  return loaded
}
