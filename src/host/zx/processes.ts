/** Numbers that no kernel gives to a process (Linux ends at 2^22), so none of them can ever be signalled here. */
const firstSyntheticPid = 2 ** 31

export interface Endable {
  /** Ends it on its host; settles when the ladder is through. */
  end(signal: NodeJS.Signals): Promise<void>
}

const running = new Map<number, Endable>()
let next = firstSyntheticPid

export const isSyntheticPid = (pid: number | string): boolean => Number(pid) >= firstSyntheticPid

/** A number for a process on a host, which stands for it in zx. */
export function newSyntheticPid(process: Endable): number {
  const pid = next
  next += 1
  running.set(pid, process)
  return pid
}

export function forgetPid(pid: number): void {
  running.delete(pid)
}

type Kill = (pid: number | `${number}`, signal?: NodeJS.Signals) => Promise<void>

/**
 * In place of zx's own kill, for the whole process: zx hears a `kill` option only where its scope still stands, and its own
 * lists and signals processes of this machine. A number that is no host's goes to the original.
 */
export function killDispatcher(original: Kill): Kill {
  return (pid, signal) => {
    if (!isSyntheticPid(pid)) return original(pid, signal)
    const process = running.get(Number(pid))
    const ended = process === undefined ? Promise.resolve() : process.end(signal ?? 'SIGTERM')
    // A timer of zx asks without waiting: what went wrong is told to whoever waits, and stops nobody else.
    ended.catch(() => {})
    return ended
  }
}
