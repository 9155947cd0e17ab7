import { appendFileSync } from 'node:fs'

/**
 * Named points where a crash test can end the process: `KX_FAILPOINT=journal.after-write`, `name:3` for the third time
 * it is passed, several with commas for whichever comes first. `KX_FAILPOINT_LOG` names a file that gets the name of the
 * point. Without the variable a point costs one look at the environment and does nothing.
 */
const passed = new Map<string, number>()
let due = ''

/** True when this pass of the point is the armed one. For points that do half of something before they die. */
export function isFailpointDue(name: string): boolean {
  const armed = process.env.KX_FAILPOINT
  if (armed === undefined || armed === '') return false
  const point = armed.split(',').find((each) => each.split(':')[0] === name)
  if (point === undefined) return false
  const count = (passed.get(name) ?? 0) + 1
  passed.set(name, count)
  if (count !== Number(point.split(':')[1] ?? 1)) return false
  due = name
  return true
}

/** Ends this process with SIGKILL: no handler, no flush, no exit code of its own. */
export function dieHere(): never {
  const log = process.env.KX_FAILPOINT_LOG
  if (log !== undefined && log !== '') appendFileSync(log, `${due}\n`)
  process.kill(process.pid, 'SIGKILL')
  // The signal is process-wide; this thread must not get one step further while it is on its way.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

export function failpoint(name: string): void {
  if (isFailpointDue(name)) dieHere()
}
