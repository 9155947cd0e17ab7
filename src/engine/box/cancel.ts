import type { Ending, Host } from '../../host/types.ts'
import type { BoxHandle } from '../types.ts'
import { boxScripts } from './assets.ts'
import { lookAt } from './look.ts'

/** Looks while waiting; each is one small script. */
const everyMs = 300
const decoder = new TextDecoder()
const wait = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms))

/** The runner filters nothing out of this file: what is put there must be one harmless line. */
function stopLine(reason: string): string {
  return `${reason.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 200)}\n`
}

/**
 * Asks the runner to stop: it lets every unit save within the grace, writes how each one ended, and then its exit file.
 * A runner that does not answer is ended with what it started: TERM, grace, KILL, by start time and boot id, never by
 * name. Ends as `exited` with the run's exit code when the exit file says so, `signalled` when it had to be killed and
 * is seen gone, else `unknown`.
 */
export async function cancelBox(host: Host, handle: BoxHandle, reason: string, graceSeconds: number): Promise<Ending> {
  const before = await lookAt(host, handle.folder)
  if (before.kind === 'unreachable') return { kind: 'unknown', reason: before.reason }
  if (before.look.isMissing) return { kind: 'unknown', reason: `${handle.folder} is not there` }
  const endedBefore = exitCodeOf(before.look.exit)
  if (before.look.isAlive !== true && endedBefore !== null) return { kind: 'exited', code: endedBefore }

  if (before.look.isAlive === true) {
    await host.write(`${handle.folder}/stop`, stopLine(reason))
    // Units get the grace, and the runner a little more to write down how they ended.
    const deadline = performance.now() + (graceSeconds + Math.min(10, graceSeconds + 2)) * 1000
    while (performance.now() < deadline) {
      const now = await lookAt(host, handle.folder)
      if (now.kind === 'seen' && now.look.isAlive === false) {
        const code = exitCodeOf(now.look.exit)
        if (code !== null) return { kind: 'exited', code }
        break
      }
      await wait(everyMs)
    }
  }

  const ended = await host.kill(handle.process, Math.min(5, graceSeconds))
  if (ended === 'still-there') return { kind: 'unknown', reason: 'the runner is still there after KILL' }
  const { sweep } = await boxScripts()
  await host.script(sweep, [handle.folder, 'TERM'], { timeoutSeconds: 30 })
  const deadline = performance.now() + graceSeconds * 1000
  let left = await leftOver(host, handle)
  while (left !== 0 && performance.now() < deadline) {
    await wait(everyMs)
    left = await leftOver(host, handle)
  }
  if (left !== 0) await host.script(sweep, [handle.folder, 'KILL'], { timeoutSeconds: 30 })
  const last = await lookAt(host, handle.folder)
  if (last.kind === 'unreachable') return { kind: 'unknown', reason: last.reason }
  const code = exitCodeOf(last.look.exit)
  if (last.look.isAlive === true) return { kind: 'unknown', reason: 'the runner is still there' }
  const gone = await leftOver(host, handle)
  if (gone !== 0) return { kind: 'unknown', reason: 'units are still there after KILL' }
  return code === null ? { kind: 'signalled', signal: 'SIGKILL' } : { kind: 'exited', code }
}

/** Units and workers that still run; null when the host did not say. Signal 0 asks without harming. */
async function leftOver(host: Host, handle: BoxHandle): Promise<number | null> {
  const { sweep } = await boxScripts()
  const asked = await host.script(sweep, [handle.folder, '0'], { timeoutSeconds: 30 })
  if (asked.ending.kind !== 'exited' || asked.ending.code !== 0) return null
  const count = decoder.decode(asked.stdout).trim()
  return /^\d+$/.test(count) ? Number(count) : null
}

function exitCodeOf(exit: unknown): number | null {
  if (typeof exit !== 'object' || exit === null) return null
  const code = (exit as Record<string, unknown>).code
  return typeof code === 'number' ? code : null
}
