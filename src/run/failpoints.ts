/**
 * Named points where a crash test can end the process: `KX_FAILPOINT=journal.after-write` (or `name:3` for the third
 * time it is passed). Without that variable a point costs one look at the environment and does nothing.
 */
const passed = new Map<string, number>()

/** True when this pass of the point is the armed one. For points that do half of something before they die. */
export function isFailpointDue(name: string): boolean {
  const armed = process.env.KX_FAILPOINT
  if (armed === undefined || armed === '') return false
  const [wanted, nth] = armed.split(':')
  if (wanted !== name) return false
  const count = (passed.get(name) ?? 0) + 1
  passed.set(name, count)
  return count === Number(nth ?? 1)
}

/** Ends this process with SIGKILL: no handler, no flush, no exit code of its own. */
export function dieHere(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal is process-wide; this thread must not get one step further while it is on its way.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

export function failpoint(name: string): void {
  if (isFailpointDue(name)) dieHere()
}
