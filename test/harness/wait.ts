/** How long a test waits for something that must happen, unless it says otherwise. Generous: machines are slow, not tests. */
export const WAIT_MS = 10_000
const LOOK_MS = 10

/**
 * Waits until the predicate holds and returns what it returned. Fails with `what` and the report of `describe` when it
 * does not hold in time. Never a fixed sleep.
 */
export async function waitUntil<T>(
  predicate: () => T | Promise<T>,
  options: { timeoutMs?: number; what?: string; describe?: () => string | Promise<string> } = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = WAIT_MS, what = 'condition', describe } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await predicate()
    if (value) return value as NonNullable<T>
    if (performance.now() > deadline) {
      const report = describe === undefined ? '' : `\n${await describe()}`
      throw new Error(`waited ${timeoutMs} ms for: ${what}${report}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
