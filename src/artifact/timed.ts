/** Tells how many milliseconds a piece of work took that came to a good end. */
export async function timed<T>(work: () => Promise<T>, tell: ((milliseconds: number) => void) | undefined): Promise<T> {
  const began = performance.now()
  const value = await work()
  tell?.(performance.now() - began)
  return value
}
