import { z } from 'zod'
import type { CommandSpec, CommandState, ScreenId } from './types.ts'

/** A command as it is written down. Its schema may be given as what makes it. */
export type WrittenCommand<S extends z.ZodObject> = Omit<CommandSpec<S>, 'args'> & { readonly args: S | (() => S) }

/**
 * Keeps the argument types of one command while it is written down, and forgets them in the list. A schema given as a
 * function is made when it is first asked for: making all of them would cost the first frame more than drawing it.
 */
export function command<S extends z.ZodObject>(spec: WrittenCommand<S>): CommandSpec {
  const { args, ...rest } = spec
  if (typeof args !== 'function') return spec as unknown as CommandSpec
  let made: S | undefined
  const lazy = {
    ...rest,
    get args() {
      made ??= args()
      return made
    },
  }
  return lazy as unknown as CommandSpec
}

/** For commands without arguments. */
export const noArgs = () => z.strictObject({})

export interface Registry {
  readonly specs: readonly CommandSpec[]
  get(id: string): CommandSpec | undefined
  /** Commands that a screen offers by key, palette and help. */
  on(screen: ScreenId): readonly CommandSpec[]
}

/** Makes the registry; a second command of one id, or of one CLI word, is a bug of ours and throws. */
export function createRegistry(specs: readonly CommandSpec[]): Registry {
  const byId = new Map<string, CommandSpec>()
  const words = new Set<string>()
  for (const spec of specs) {
    if (byId.has(spec.id)) throw new Error(`two commands are called ${spec.id}`)
    byId.set(spec.id, spec)
    const word = spec.cli?.join(' ')
    if (word === undefined) continue
    if (words.has(word)) throw new Error(`two commands answer to "kx ${word}"`)
    words.add(word)
  }
  return {
    specs,
    get: (id) => byId.get(id),
    on: (screen) => specs.filter((s) => s.where === 'global' || s.where.includes(screen)),
  }
}

/** Whether a command may run beside the one that is running. */
export function isBesides(spec: CommandSpec, busyWith: string | null): boolean {
  if (busyWith === null || spec.besides === undefined) return false
  return spec.besides === 'any' || spec.besides.includes(busyWith)
}

/** Why a command cannot run now, in words; null when it can. Commands that act on a run wait for one another. */
export function whyDisabled(spec: CommandSpec, state: CommandState): string | null {
  const own = spec.disabled?.(state) ?? null
  if (own !== null) return own
  if (isBesides(spec, state.busyWith)) return null
  if (spec.run !== undefined && spec.risk !== 'read' && state.busyWith !== null && state.busyWith !== spec.id) {
    return `${state.busyWith} is running; wait for it or cancel it`
  }
  return null
}
