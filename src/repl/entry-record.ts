import type { Ending } from '../host/types.ts'
import type { CellWriter } from '../run/act.ts'
import type { DisplayLine, Evaluated } from './types.ts'

const textOf = (lines: readonly DisplayLine[]) =>
  lines.map((line) => `${line.map((span) => span.text).join('')}\n`).join('')

/** Ends the cell of an expression: its lines as output, and how it ended. */
export async function endExpression(
  writer: CellWriter | null,
  result: Evaluated,
  lines: readonly DisplayLine[],
): Promise<void> {
  if (writer === null) return
  const text = textOf(lines)
  if (text !== '') writer.stdout(text)
  const isGood = result.outcome === 'value' || result.outcome === 'nothing'
  const state = isGood ? 'done' : result.outcome === 'error' ? 'failed' : 'unknown'
  const cause = result.outcome === 'timeout' ? 'timeout' : result.outcome === 'interrupted' ? 'aborted' : null
  const summary = (text.split('\n')[0] ?? '').slice(0, 200)
  await writer.end({
    state,
    summary: summary === '' ? 'no value' : summary,
    cause,
    durationMs: Math.round(result.durationMs),
  })
}

/** Ends the cell of a shell line. */
export async function endShellLine(
  writer: CellWriter | null,
  given: { readonly ending: Ending; readonly summary: string; readonly timedOut: boolean; readonly isGivenUp: boolean },
): Promise<void> {
  const { ending, summary, timedOut, isGivenUp } = given
  const exitCode = ending.kind === 'exited' ? ending.code : null
  await writer?.end({
    state: ending.kind === 'unknown' ? 'unknown' : exitCode === 0 ? 'done' : 'failed',
    summary,
    exitCode,
    signal: ending.kind === 'signalled' ? ending.signal : null,
    cause: timedOut ? 'timeout' : isGivenUp ? 'aborted' : ending.kind === 'unknown' ? 'channel-lost' : null,
  })
}
