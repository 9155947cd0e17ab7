/** Numbers from a seed, so that a failing run can be repeated (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** The seed of this run: given, or taken from the clock and shown when a test fails. */
export const seed = Number(process.env.KX_SEED ?? Date.now() % 1_000_000)
export const isFull = process.env.KX_FULL === '1'
