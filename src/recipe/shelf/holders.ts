import type { GpuProcess } from '../../host/probe/nvidia.ts'
import type { Probe } from '../../host/probe/probe.ts'
import type { ProcessStat } from '../../host/probe/process.ts'
import { isProgramOfDriver } from '../../host/probe/wide.ts'
import { formatDuration } from '../../text/format.ts'

/** To whom a process belongs: to a run of kx that is alive, to nobody that kx knows, or it cannot be seen. */
export type Owner = 'run' | 'none' | 'hidden'

export interface HolderChoice {
  readonly targets: readonly ProcessStat[]
  /** Holders that stay, with the reason. */
  readonly kept: readonly { readonly pid: number; readonly why: string }[]
  /** Why it cannot be told who is a zombie; null: it can. */
  readonly doubt: string | null
}

/**
 * Who of those that keep a card open may be ended: not listed by the driver, old enough (120 s, handbook monitoring 4),
 * and no relative of one that is listed: workers of a loader inherit the card and are never listed. Pure.
 */
export function chooseHolders(
  probe: Probe,
  wishes: { readonly olderThanSeconds: number; readonly pids: readonly number[] },
  ownerOf: (pid: number) => Owner,
): HolderChoice {
  const nothing = (doubt: string): HolderChoice => ({ targets: [], kept: [], doubt })
  const { holders, processes } = probe.wide
  const listed = probe.gpuProcesses
  if (holders === 'none') return { targets: [], kept: [], doubt: null }
  if (!holders.isKnown) return nothing(`who has the cards open is not known: ${holders.reason}`)
  if (holders.value.found.length === 0)
    return holders.value.hidden > 0 && !processesAreMine(probe)
      ? nothing('processes of other users cannot be looked into')
      : { targets: [], kept: [], doubt: null }
  if (listed === 'none') return nothing('nvidia-smi is not there, so nobody says who is at work')
  if (!listed.isKnown) return nothing(`nvidia-smi does not say who is at work: ${listed.reason}`)
  if (!probe.uptimeSeconds.isKnown || !probe.ticksPerSecond.isKnown)
    return nothing('how old processes are is not known')
  const uptime = probe.uptimeSeconds.value
  const ticks = probe.ticksPerSecond.value
  const all = [...new Map(holders.value.found.map(({ stat }) => [stat.pid, stat])).values()]
  const working = new Set(listed.value.flatMap((each) => (each.pid.isKnown ? [each.pid.value] : [])))
  const inFamily = familyOf(working, all)
  const speaksOurNumbers = isOurNamespace(listed.value, working, processes)
  const kept: { pid: number; why: string }[] = []
  const targets: ProcessStat[] = []
  let named = 0
  for (const stat of all) {
    const age = uptime - stat.startTicks / ticks
    const owner = ownerOf(stat.pid)
    const isNamed = wishes.pids.includes(stat.pid)
    const why = isProgramOfDriver(stat.command)
      ? 'a program of the driver'
      : working.has(stat.pid)
        ? 'the driver lists it as at work'
        : inFamily(stat)
          ? 'it belongs to one that the driver lists'
          : owner === 'run'
            ? 'it belongs to a run of kx that is alive'
            : owner === 'hidden'
              ? 'to whom it belongs cannot be seen'
              : age < wishes.olderThanSeconds
                ? `it is ${formatDuration(age)} old, younger than ${formatDuration(wishes.olderThanSeconds)}`
                : wishes.pids.length > 0 && !isNamed
                  ? 'it is not among those that were named'
                  : !speaksOurNumbers && !isNamed
                    ? 'the list of the driver cannot be compared'
                    : null
    if (why === null) targets.push(stat)
    else kept.push({ pid: stat.pid, why })
    if (why === 'the list of the driver cannot be compared') named += 1
  }
  const doubt =
    named > 0
      ? 'the driver lists nobody that is seen in this container, so a zombie cannot be told from work: look at them, and name those to be ended with `pids`'
      : null
  return { targets, kept, doubt }
}

const processesAreMine = (probe: Probe) => probe.wide.processes.isKnown && probe.wide.processes.value.isWhole

/** Pids of the list mean processes here: the first namespace, or every one of at least one is seen. */
function isOurNamespace(
  listed: readonly GpuProcess[],
  working: ReadonlySet<number>,
  processes: Probe['wide']['processes'],
): boolean {
  if (!processes.isKnown) return false
  if (processes.value.isFirstNamespace === true) return true
  return (
    listed.length > 0 && working.size === listed.length && [...working].every((pid) => processes.value.pids.has(pid))
  )
}

/** In one session or group with a listed one, or its child. */
function familyOf(working: ReadonlySet<number>, all: readonly ProcessStat[]): (stat: ProcessStat) => boolean {
  const known = all.filter((stat) => working.has(stat.pid))
  const sessions = new Set(known.map((stat) => stat.session))
  const groups = new Set([...working, ...known.map((stat) => stat.group)])
  return (stat) =>
    sessions.has(stat.session) || groups.has(stat.group) || groups.has(stat.session) || working.has(stat.parent)
}
