import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { readOn } from '../run/journal.ts'
import { JournalCursor } from '../run/journal-line.ts'
import type { CellEnded, CellNoted, CellStarted, Finding, JournalRecord } from '../run/types.ts'
import { formatDuration, formatTime } from '../text/format.ts'
import type { Proof } from '../walk/proof.ts'
import { readOutput } from './outputs.ts'

/** Something that happened, in words. */
export interface Happening {
  readonly atMs: number
  readonly lines: readonly string[]
}

/** Longest wait between two happenings of a replay, however long it really was. */
export const longestWaitMs = 2_000

/** What a journal tells, in order: acts with what they printed, proofs, findings, what people wrote. */
export function* happenings(folder: string, outputLines: number): Generator<Happening> {
  const fd = openSync(join(folder, 'journal.jsonl'), constants.O_RDONLY | constants.O_NOFOLLOW)
  let records: readonly JournalRecord[]
  try {
    records = readOn(fd, new JournalCursor()).records
  } finally {
    closeSync(fd)
  }
  const numbers = new Map<string, number>()
  for (const record of records) {
    const lines = wordsOf(record, numbers, folder, outputLines)
    if (lines.length > 0)
      yield {
        atMs: record.atMs,
        lines: lines.map((line, i) => (i === 0 ? `${formatTime(record.atMs)}  ${line}` : `          ${line}`)),
      }
  }
}

function wordsOf(
  { kind, payload }: JournalRecord,
  numbers: Map<string, number>,
  folder: string,
  outputLines: number,
): readonly string[] {
  if (typeof payload !== 'object' || payload === null) return []
  switch (kind) {
    case 'run.created':
      return [`the run begins, by ${(payload as { readonly by?: string }).by ?? 'somebody'}`]
    case 'cell.started': {
      const { cellId, title, host, who } = payload as CellStarted
      numbers.set(cellId, numbers.size + 1)
      return [`#${numbers.size} ${title}${host == null ? '' : ` on ${host.host}`}, by ${who}`]
    }
    case 'cell.ended': {
      const { cellId, state, summary, durationMs } = payload as CellEnded
      const output = outputLines === 0 ? null : readOutput(folder, cellId, outputLines)
      const before = output === null || output.before === 0 ? [] : [`  … ${output.before} lines before`]
      return [
        `#${numbers.get(cellId) ?? '?'} ${state} after ${formatDuration(durationMs / 1000)}: ${summary}`,
        ...before,
        ...(output?.lines ?? []).map((line) => `  ${line}`),
      ]
    }
    case 'proof.made': {
      const { kind: what, items } = payload as Proof
      const bad = items.filter(({ result }) => result === 'fail' || result === 'unknown').length
      return [`proof ${what}: ${items.length} checked${bad === 0 ? '' : `, ${bad} failed or unknown`}`]
    }
    case 'finding.opened':
      return [`finding (${(payload as Finding).severity}): ${(payload as Finding).text}`]
    case 'finding.closed':
      return [`finding closed: ${(payload as { readonly because?: string }).because ?? ''}`]
    case 'override.given': {
      const { itemId, reason, by } = payload as {
        readonly itemId: string
        readonly reason: string
        readonly by: string
      }
      return [`override of ${itemId} by ${by}: ${reason}`]
    }
    case 'meter.opened':
      return [`meter opened: ${(payload as { readonly what?: string }).what ?? ''}`]
    case 'meter.closed':
      return [`meter closed: ${(payload as { readonly because?: string }).because ?? ''}`]
    case 'cell.noted': {
      const { text, by, cellId } = payload as CellNoted
      return [
        `note by ${by}${cellId === null ? '' : ` on #${numbers.get(cellId) ?? '?'}`}: ${text.split('\n')[0] ?? ''}`,
      ]
    }
    case 'note':
      return [`note: ${(payload as { readonly text: string }).text}`]
    default:
      return []
  }
}

/** Time to wait before something of a replay is shown, at so many times the speed at which it happened; 0: none. */
export function waitMs(before: Happening | null, now: Happening, speed: number): number {
  if (before === null || speed <= 0) return 0
  return Math.min(longestWaitMs, Math.max(0, (now.atMs - before.atMs) / speed))
}
