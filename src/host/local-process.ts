import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, isMissing } from './errors.ts'
import { type ProcessStat, parseProcessStat } from './probe/process.ts'
import type { ProcessIdentity } from './types.ts'

const pollMilliseconds = 20
/** How long a process may take to vanish after KILL before it is reported as still there. */
const afterKillSeconds = 5

/** Boot id of this machine; null where the kernel does not tell (not Linux). */
export async function bootId(): Promise<string | null> {
  try {
    const text = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    return text === '' ? null : text
  } catch {
    return null
  }
}

/** One process of this machine: null when there is none, `unknown` when `/proc` cannot tell. */
export async function processStat(pid: number): Promise<ProcessStat | null | 'unknown'> {
  try {
    const parsed = parseProcessStat(await readFile(`/proc/${pid}/stat`, 'utf8'))
    return parsed.isKnown ? parsed.value : 'unknown'
  } catch (error) {
    // ESRCH: the process went between open and read.
    if (codeOf(error) === 'ESRCH') return null
    if (!isMissing(error)) return 'unknown'
    return (await bootId()) === null ? 'unknown' : null
  }
}

/** Identity of a live process by pid: pid, start time and boot id. Null when it is not there or cannot be told. */
export async function localProcessIdentity(pid: number): Promise<ProcessIdentity | null> {
  const [stat, boot] = await Promise.all([processStat(pid), bootId()])
  if (stat === null || stat === 'unknown' || boot === null) return null
  return { pid, startTicks: stat.startTicks, bootId: boot }
}

const hasEnded = (stat: ProcessStat) => stat.state === 'Z' || stat.state === 'X' || stat.state === 'x'

/** Processes of one group that still run: zombies are not counted, they only wait for their parent. */
export async function groupMembers(group: number): Promise<readonly ProcessStat[]> {
  let names: readonly string[]
  try {
    // Cheap and exact when the group is empty, which is what is mostly asked.
    process.kill(-group, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return []
  }
  try {
    names = await readdir('/proc')
  } catch {
    return []
  }
  const found: ProcessStat[] = []
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    const stat = await processStat(Number(name))
    if (stat !== null && stat !== 'unknown' && stat.group === group && !hasEnded(stat)) found.push(stat)
  }
  return found
}

/** Sends a signal to a whole group. A group that is not there any more is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
  }
}

/** Waits until `isGone` holds, at most `seconds`. */
export async function until(isGone: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    if (await isGone()) return true
    if (performance.now() >= end) return false
    await sleep(pollMilliseconds)
  }
}

/** `unknown` where `/proc` or the boot id cannot be read. A zombie is not alive. */
export async function isLocalAlive(wanted: ProcessIdentity): Promise<boolean | 'unknown'> {
  const boot = await bootId()
  if (boot === null) return 'unknown'
  if (boot !== wanted.bootId) return false
  const stat = await processStat(wanted.pid)
  if (stat === 'unknown') return 'unknown'
  return stat !== null && stat.startTicks === wanted.startTicks && !hasEnded(stat)
}

/**
 * Ends a process group: TERM, `graceSeconds`, KILL, then looks until nobody of it runs.
 * Start time and boot id are compared first, so that a reused pid is never signalled. When the leader has ended but
 * others of its session and group still run, those are ended: the kernel gives a pid out again only when no group or
 * session of that number is left.
 */
export async function killLocal(
  wanted: ProcessIdentity,
  graceSeconds: number,
): Promise<'gone' | 'was-gone' | 'not-ours' | 'still-there'> {
  if (!Number.isSafeInteger(wanted.pid) || wanted.pid <= 1 || wanted.pid === process.pid) return 'not-ours'
  const boot = await bootId()
  if (boot === null) return 'still-there'
  if (boot !== wanted.bootId) return 'was-gone'
  const leader = await processStat(wanted.pid)
  if (leader === 'unknown') return 'still-there'
  if (leader !== null && leader.startTicks !== wanted.startTicks) return 'not-ours'
  const own = await processStat(process.pid)
  if (own !== null && own !== 'unknown' && own.group === wanted.pid) return 'not-ours'

  const isGroupLeader = leader === null || leader.group === wanted.pid
  const rest = async () =>
    isGroupLeader
      ? (await groupMembers(wanted.pid)).filter((member) => leader !== null || member.session === wanted.pid)
      : (await isLocalAlive(wanted)) === true
        ? [leader]
        : []
  if ((await rest()).length === 0) return 'was-gone'
  const signal = async (name: NodeJS.Signals) => {
    if (isGroupLeader) return signalGroup(wanted.pid, name)
    // Not a group of its own: only this process is ours, and it is compared again right before the signal.
    if ((await isLocalAlive(wanted)) !== true) return
    try {
      process.kill(wanted.pid, name)
    } catch (error) {
      if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
    }
  }
  const isGone = async () => (await rest()).length === 0
  await signal('SIGTERM')
  if (await until(isGone, Math.max(0, graceSeconds))) return 'gone'
  await signal('SIGKILL')
  return (await until(isGone, afterKillSeconds)) ? 'gone' : 'still-there'
}

/** Who a child of ours is; asked in the turn in which it was started, its number is surely still its own. */
export function identityNow(pid: number): ProcessIdentity | null {
  try {
    const parsed = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return parsed.isKnown && boot !== '' ? { pid, startTicks: parsed.value.startTicks, bootId: boot } : null
  } catch {
    return null
  }
}
