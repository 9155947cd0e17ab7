import { viewOf } from '../../src/run/host-view.ts'
import type { Meter, RunState } from '../../src/run/types.ts'
import type { VerifiedPayload } from '../../src/teardown/types.ts'
import { formatUsdPerHour } from '../../src/text/format.ts'
import type { Token } from '../../src/ui/theme.ts'
import { hasEnded, launchInDoubt } from '../../src/walk/end.ts'
import { blockingItems } from '../../src/walk/gates.ts'
import { hostsIn } from '../../src/walk/host-view.ts'
import type { Proof } from '../../src/walk/proof.ts'
import type { ScreenInput } from '../workbench/input.ts'
import { column, type PaneModel } from '../workbench/model.ts'
import { staleText } from '../workbench/phase-model.ts'

interface HostEnd {
  readonly host: string
  readonly manifest: string
  readonly folder: 'none' | 'there' | 'removed' | 'unknown'
  readonly meter: string
  /** Empty: nothing is left to do. */
  readonly next: string
  readonly token: Token
}

/** How a host's folder stands, by what is on record: begun and not seen to end is unknown. */
function folderOf(own: RunState): HostEnd['folder'] {
  const newest = (kind: Proof['kind']) => own.proofs.findLastIndex((proof) => proof.kind === kind)
  if (newest('Receipt') < 0) return launchInDoubt(own) === null ? 'none' : 'unknown'
  if (newest('MeterStopped') > newest('Receipt')) return 'removed'
  const begun = own.intents.findLast((intent) => intent.act === 'remove')
  return begun !== undefined && (begun.closed === null || begun.closed.outcome === 'unknown') ? 'unknown' : 'there'
}

/** What is known of a host's meters; `mayBill`: one that costs something, or nobody knows what, was not seen to end. */
function meterOf(meters: readonly Meter[], isRemoved: boolean): { readonly words: string; readonly mayBill: boolean } {
  const open = meters.filter((meter) => meter.closedAtMs === null)
  if (open.length === 0) {
    const last = meters.at(-1)
    return { words: last === undefined ? 'none' : last.writtenOff ? 'written off' : 'ended', mayBill: false }
  }
  const billing = open.filter((meter) => meter.usdPerHour !== 0)
  if (billing.length === 0) return { words: 'free', mayBill: false }
  if (isRemoved || billing.some((meter) => meter.sights !== undefined)) return { words: 'unconfirmed', mayBill: true }
  const prices = billing.map((meter) => meter.usdPerHour)
  const sum = prices.reduce<number | null>((total, each) => (total === null || each === null ? null : total + each), 0)
  return { words: sum === null ? 'price ?' : formatUsdPerHour(sum), mayBill: true }
}

function endOf(input: ScreenInput, run: RunState, host: string): HostEnd {
  const own = viewOf(run, host)
  const folder = folderOf(own)
  const meter = meterOf(own.meters, folder === 'removed')
  const proof = own.latest.VerifiedManifest as Proof<VerifiedPayload> | undefined
  const isStale = staleText(input, proof) !== null
  const payload = proof?.payload
  const isWhole =
    proof !== undefined &&
    payload !== undefined &&
    payload.accepted === payload.totals.expected &&
    payload.missing.length === 0 &&
    blockingItems(proof.items, 'permit').length === 0
  const counts = payload === undefined ? 'not yet' : `${payload.accepted}/${payload.totals.expected}`
  const manifest = isStale && folder !== 'removed' ? 'stale' : counts
  const said = (next: string, token: Token): HostEnd => ({
    ...{ host, manifest, folder, next, token },
    meter: meter.words,
  })
  if (own.meters.at(-1)?.writtenOff !== undefined && !meter.mayBill) return said('', 'severity.warn')
  if (folder === 'none') return said('', 'text.muted')
  if (folder === 'removed') return meter.mayBill ? said('E: the meter', 'severity.warn') : said('', 'state.pass')
  if (own.latest.Receipt === undefined) return said('5, r: ask it', 'state.unknown')
  if (folder === 'unknown') return said('D looks again', 'state.unknown')
  if (!hasEnded(own, (id) => !input.staleness.has(id))) return said('6, r: look', 'state.running')
  if (proof === undefined || isStale) return said('r verifies', 'state.stale')
  return isWhole ? said('D removes', 'state.todo') : said('mend, then r', 'state.fail')
}

const removedWords = { none: '-', there: 'no', removed: 'yes', unknown: 'unknown' } as const

const endsOf = (input: ScreenInput): readonly HostEnd[] => {
  const { run } = input
  return run === null ? [] : (hostsIn(run) ?? []).map((host) => endOf(input, run, host))
}

/** A row for each host of a run over several: what is safe of it, what is left there, and what is next. Null: one host. */
export function hostsPane(input: ScreenInput): PaneModel | null {
  const ends = endsOf(input)
  if (ends.length === 0) return null
  return {
    kind: 'table',
    id: 'hosts',
    title: 'Hosts',
    note: countText(ends),
    columns: [
      column(0, 'host', { flex: 1, min: 8 }),
      column(1, 'verified', { width: 9, align: 'right' }),
      column(2, 'removed', { width: 7, dropOrder: 1 }),
      column(3, 'meter', { width: 11 }),
      column(4, 'next', { width: 13 }),
    ],
    rows: ends.map(({ host, manifest, folder, meter, next, token }) => ({
      ...{ id: host, token },
      cells: [host, manifest, removedWords[folder], meter, next === '' ? '-' : next],
    })),
    empty: 'no host of this run is known yet',
  }
}

function countText(ends: readonly HostEnd[]): string {
  const there = ends.filter((end) => end.folder !== 'none')
  return `${there.filter((end) => end.folder === 'removed').length} of ${there.length} box folders removed`
}

/** What comes next over all hosts, in one line; null: one host, or none of them has anything left to do. */
export function hostsNext(input: ScreenInput): string | null {
  const ends = endsOf(input)
  const open = ends.filter((end) => end.next !== '')
  const [first] = open
  if (first === undefined) return null
  const others = open.length === 1 ? '' : `, and ${open.length - 1} more`
  return `${countText(ends)}; ${first.host}: ${first.next}${others}`
}
