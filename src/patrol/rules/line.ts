import { formatDuration, formatPercent, formatTime } from '../../text/format.ts'
import type { Observation } from '../types.ts'

/** The line that every tick says, also when nothing changed (handbook monitoring 6): time, state, age, progress. */
export function tickLine(observation: Observation): string {
  const { counts, eta, openFindings } = observation
  const parts = [
    formatTime(observation.atMs),
    observation.isSuspect ? `${observation.state} (suspect)` : observation.state,
    `for ${formatDuration(Math.max(0, (observation.atMs - observation.sinceMs) / 1000))}`,
    `${observation.unitsDone ?? '?'}/${observation.unitsTotal ?? '?'} units`,
  ]
  if (counts.running > 0) parts.push(`${counts.running} running`)
  if (counts.failed > 0) parts.push(`${counts.failed} failed`)
  if (counts.aborted > 0) parts.push(`${counts.aborted} aborted`)
  if (eta !== null) parts.push(`ETA ${formatDuration(eta.secondsP50)} from ${eta.samples}`)
  const overdue = observation.units.filter((row) => (row.overdueSeconds ?? 0) > 0)
  if (eta === null && observation.state === 'running' && overdue.length > 0)
    parts.push(`ETA unknown, ${overdue[0]?.unit} overdue by ${formatDuration(overdue[0]?.overdueSeconds)}`)
  const fullest = observation.disks.reduce<number | null>(
    (most, disk) => (disk.usedFraction === null ? most : Math.max(most ?? 0, disk.usedFraction)),
    null,
  )
  parts.push(`disk ${formatPercent(fullest)}`)
  const findings = openFindings.error + openFindings.warn
  parts.push(findings === 0 ? 'no findings' : `${openFindings.error} errors, ${openFindings.warn} warnings`)
  parts.push(observation.reasons[0] ?? '')
  return parts.filter((part) => part !== '').join(' · ')
}
