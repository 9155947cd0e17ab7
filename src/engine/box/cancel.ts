import type { Ending, Host } from '../../host/types.ts'
import type { BoxHandle } from '../types.ts'
import { boxScripts } from './assets.ts'
import { lookAt } from './look.ts'

/** Looks while waiting; each is one small script. */
const everyMs = 300
/** How long the killed may take to vanish. */
const afterKillSeconds = 5
const decoder = new TextDecoder()
const wait = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms))

/** The runner filters nothing out of this file: what is put there must be one harmless line. */
function stopLine(reason: string): string {
  return `${reason.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 200)}\n`
}

/**
 * Asks the runner to stop: it lets every unit save within the grace, writes how each one ended, and then its exit file.
 * A runner that does not answer is ended with what it started: TERM, grace, KILL, by start time and boot id, never by
 * name, whoever started it. Ends as `exited` with the run's exit code when the exit file says so, `signalled` when it had
 * to be killed and is seen gone, else `unknown`.
 */
export async function cancelBox(host: Host, handle: BoxHandle, reason: string, graceSeconds: number): Promise<Ending> {
  const before = await lookAt(host, handle.folder)
  if (before.kind === 'unreachable') return { kind: 'unknown', reason: before.reason }
  if (before.look.isMissing) return { kind: 'unknown', reason: `${handle.folder} is not there` }
  const endedBefore = exitCodeOf(before.look.exit)
  if (before.look.isAlive !== true && endedBefore !== null) return { kind: 'exited', code: endedBefore }

  if (before.look.isAlive === true) {
    await host.write(`${handle.folder}/stop`, stopLine(reason))
    await sweep(host, handle, 'runner', 'CONT')
    // Units get the grace, and the runner a little more to write down how they ended.
    const deadline = performance.now() + (graceSeconds + Math.min(10, graceSeconds + 2)) * 1000
    while (performance.now() < deadline) {
      const now = await lookAt(host, handle.folder)
      if (now.kind === 'seen' && now.look.isAlive === false) {
        const code = exitCodeOf(now.look.exit)
        if (code === null) break
        // What a unit has put out of the runner's sight can be seen by systemd alone.
        if (handle.detach === 'systemd' && (await end(host, handle, 'rest', graceSeconds)) !== 0)
          return { kind: 'unknown', reason: `the run has ended, and not all that is in ${handle.label}` }
        return { kind: 'exited', code }
      }
      await wait(everyMs)
    }
  }

  if ((await end(host, handle, 'runner', Math.min(5, graceSeconds))) !== 0)
    return { kind: 'unknown', reason: 'the runner is still there after KILL' }
  if ((await end(host, handle, 'rest', graceSeconds)) !== 0)
    return { kind: 'unknown', reason: 'units are still there after KILL' }
  const last = await lookAt(host, handle.folder)
  if (last.kind === 'unreachable') return { kind: 'unknown', reason: last.reason }
  if (last.look.isAlive === true) return { kind: 'unknown', reason: 'the runner is still there' }
  const code = exitCodeOf(last.look.exit)
  return code === null ? { kind: 'signalled', signal: 'SIGKILL' } : { kind: 'exited', code }
}

type Kind = 'runner' | 'rest'

/** TERM, the grace, KILL, and then seen gone: how many are left, null when the host does not say. */
async function end(host: Host, handle: BoxHandle, kind: Kind, graceSeconds: number): Promise<number | null> {
  let left: number | null = null
  for (const [signal, seconds] of [
    ['TERM', graceSeconds],
    ['KILL', afterKillSeconds],
  ] as const) {
    if ((await sweep(host, handle, kind, signal)) === 0) return 0
    const deadline = performance.now() + seconds * 1000
    do {
      left = await sweep(host, handle, kind, '0')
      if (left === 0) return 0
      await wait(everyMs)
    } while (performance.now() < deadline)
  }
  return left
}

/** Sends a signal to all of a kind and counts them; null when the host did not say. Signal 0 asks without harming. */
async function sweep(
  host: Host,
  { folder, detach, label, process }: BoxHandle,
  kind: Kind,
  signal: 'CONT' | 'TERM' | 'KILL' | '0',
): Promise<number | null> {
  const scripts = await boxScripts()
  const more =
    kind === 'runner'
      ? [String(process.pid), String(process.startTicks), process.bootId]
      : [detach === 'systemd' ? label : '']
  const asked = await host.script(scripts.sweep, [folder, signal, kind, ...more], { timeoutSeconds: 30 })
  if (asked.ending.kind !== 'exited' || asked.ending.code !== 0) return null
  const count = decoder.decode(asked.stdout).trim()
  return /^\d+$/.test(count) ? Number(count) : null
}

function exitCodeOf(exit: unknown): number | null {
  if (typeof exit !== 'object' || exit === null) return null
  const code = (exit as Record<string, unknown>).code
  return typeof code === 'number' ? code : null
}
