import { type ScreenId, screenIds } from '../../src/commands/types.ts'
import type { Desk } from './desk.ts'
import type { Layers } from './layers.ts'

/** Screen that an act belongs to, by the first word of its command; null for acts of no screen. */
export function screenOfAct(commandId: string): ScreenId | null {
  const [word = ''] = commandId.split('.')
  return screenIds.find((id) => id === word) ?? null
}

/**
 * Lets the open screen follow a walk from phase to phase. A person who goes elsewhere is left alone, and is taken along
 * again from the screen of the phase that runs.
 */
export class WalkFollower {
  readonly #desk: Desk
  readonly #layers: Layers
  /** Screen from which the next step is followed. */
  #from: ScreenId

  constructor(desk: Desk, layers: Layers) {
    this.#desk = desk
    this.#layers = layers
    this.#from = desk.ui.screen
  }

  /** A step of the walk begins. */
  step(commandId: string): void {
    const screen = screenOfAct(commandId)
    if (screen === null || screen === this.#from) return
    // A half-typed line speaks of the screen it was begun on.
    if (!this.#layers.isEmpty) return
    if (this.#desk.ui.screen === this.#from) {
      this.#desk.do({ type: 'go', screen })
      this.#desk.loadSoon()
    }
    this.#from = screen
  }
}
