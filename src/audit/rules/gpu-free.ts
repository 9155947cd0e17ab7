import type { GpuProcess } from '../../host/probe/nvidia.ts'
import type { GpuProbe } from '../../host/probe/probe.ts'
import type { Reading } from '../../host/probe/value.ts'
import { type Holder, type Holders, isProgramOfDriver, type Processes, type Wide } from '../../host/probe/wide.ts'
import { formatCount, plural } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, pass } from '../../walk/verdict.ts'
import { cardsOf, each, isVerdict, show, title } from './gpu.ts'
import { unsure } from './verdict.ts'

/** Used memory above this means that somebody else is on the card (kx; an idle driver takes a few hundred MiB). */
const idleFloorMiB = 600

/**
 * Nobody else may be on the cards before a start: no compute process, nobody who keeps a card open, and no memory that is
 * held by nobody. Where the process cannot be seen, it is said whether it is a zombie or outside of this container.
 */
export function judgeGpuFree(
  gpus: GpuProbe,
  processes: Reading<readonly GpuProcess[]> | 'none',
  seen: Pick<Wide, 'holders' | 'processes'>,
): Verdict {
  const found = cardsOf(gpus)
  if (isVerdict(found)) return found
  if (processes === 'none') return unsure('the processes on the cards cannot be listed')
  if (!processes.isKnown) return unsure(processes.reason)
  const holding = holdersOf(seen.holders)
  const detail = [...processes.value.map((each) => processText(each, seen.processes)), ...holding.map(holderText)]
  if (processes.value.length > 0)
    return fail(`${plural(processes.value.length, 'process', 'processes')} on the cards: ${detail[0]}`, { detail })
  const used = each(found, 'error', undefined, (gpu) => {
    if (!gpu.memoryUsedMiB.isKnown) return unsure(`${title(gpu)}: ${gpu.memoryUsedMiB.reason}`)
    if (gpu.memoryUsedMiB.value <= idleFloorMiB) return pass(`${title(gpu)}: free`)
    const mine = holding.filter((each) => gpu.index.isKnown && each.card === gpu.index.value)
    return fail(
      `${title(gpu)}: ${formatCount(gpu.memoryUsedMiB.value)} MiB used, and the driver names no process: ${ownerText(mine, seen)}`,
    )
  })
  if (used.result !== 'pass' || holding.length === 0) return { ...used, detail: [...(used.detail ?? []), ...detail] }
  return fail(`kept open by ${holderText(holding[0] as Holder)}, without memory so far`, { severity: 'warn', detail })
}

function holdersOf(holders: Reading<Holders> | 'none'): readonly Holder[] {
  if (holders === 'none' || !holders.isKnown) return []
  return holders.value.found.filter(({ stat }) => !isProgramOfDriver(stat.command))
}

const holderText = ({ card, stat }: Holder): string =>
  `process ${stat.pid} (${stat.command}, state ${stat.state}) has card ${card} open`

function processText(each: GpuProcess, processes: Reading<Processes>): string {
  const text = `pid ${show(each.pid)} ${each.name} ${show(each.usedMiB, ' MiB')}`
  if (!each.pid.isKnown || !processes.isKnown || processes.value.pids.has(each.pid.value)) return text
  if (!processes.value.isWhole)
    return `${text}: processes of others are hidden from this user (hidepid), so whose it is cannot be told`
  return processes.value.isFirstNamespace === true
    ? `${text}: there is no such process, a zombie holds the memory`
    : `${text}: not seen from this container, so it belongs to somebody outside`
}

/** Who may hold memory for which the driver names nobody. */
function ownerText(mine: readonly Holder[], { holders, processes }: Pick<Wide, 'holders' | 'processes'>): string {
  if (mine.length > 0) return mine.map(holderText).join('; ')
  const isOutside = processes.isKnown && processes.value.isFirstNamespace === false
  if (isOutside) return 'nobody in this container has it open; somebody outside, or a zombie'
  if (holders === 'none' || !holders.isKnown) return 'who has it open cannot be seen'
  if (processes.isKnown && !processes.value.isWhole)
    return 'nobody that this user may look at has it open, and processes of others are hidden (hidepid)'
  return holders.value.hidden > 0
    ? `nobody that this user may look at has it open (${plural(holders.value.hidden, 'process', 'processes')} hidden)`
    : 'no process has it open, so a zombie holds it'
}
