import type { LogBuffer } from '../text/log-buffer.ts'
import { type LogFilter, parseLogFilter } from './log-filter.ts'
import { oneLine, wrap } from './text-fit.ts'

/** How a log is looked at. Plain data: it survives in the session. */
export interface LogState {
  /** Number of the line at the top; null follows the end. */
  readonly top: number | null
  /** As typed, see `parseLogFilter`. */
  readonly filter: string
}

export const followingLog: LogState = { top: null, filter: '' }

export type LogAction =
  | { readonly type: 'move'; readonly by: number }
  | { readonly type: 'page'; readonly by: number }
  | { readonly type: 'home' }
  /** Back to the end, following it. */
  | { readonly type: 'end' }
  | { readonly type: 'filter'; readonly text: string }

/** The lines of a log that pass a filter, kept up to date without looking at any line twice. */
export interface LogIndex {
  readonly buffer: LogBuffer
  readonly filter: LogFilter
  /** Looks at the lines that came since, and forgets those that are gone. */
  readonly refresh: () => void
  readonly count: () => number
  /** Number of the line at this place among those that pass. */
  readonly at: (place: number) => number
  /** First place with a line number not below this one. */
  readonly placeOf: (number: number) => number
}

/** An index over a log for what was typed as filter. */
export function makeLogIndex(buffer: LogBuffer, typed = ''): LogIndex {
  const filter = parseLogFilter(typed)
  if (filter.label === '') {
    const count = () => buffer.end() - buffer.first()
    return {
      buffer,
      filter,
      refresh: () => {},
      count,
      at: (place) => buffer.first() + place,
      placeOf: (number) => Math.max(0, Math.min(count(), number - buffer.first())),
    }
  }
  let passing: number[] = []
  let seen = 0
  let gone = 0
  const placeOf = (number: number) => {
    let low = gone
    let high = passing.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((passing[middle] ?? 0) < number) low = middle + 1
      else high = middle
    }
    return low - gone
  }
  return {
    buffer,
    filter,
    refresh: () => {
      const first = buffer.first()
      for (let n = Math.max(seen, first); n < buffer.end(); n++) if (filter.test(buffer.line(n))) passing.push(n)
      seen = buffer.end()
      while (gone < passing.length && (passing[gone] ?? 0) < first) gone += 1
      if (gone > 4096) {
        passing = passing.slice(gone)
        gone = 0
      }
    },
    count: () => passing.length - gone,
    at: (place) => passing[gone + place] ?? 0,
    placeOf,
  }
}

/** Place of the first line on screen, for a view of `height` rows. */
export function logTop(state: LogState, index: LogIndex, height: number): number {
  const last = Math.max(0, index.count() - Math.max(1, height))
  return state.top === null ? last : Math.min(last, index.placeOf(state.top))
}

/** Next state of a log view. Moving down to the last line starts following again. */
export function reduceLog(state: LogState, action: LogAction, index: LogIndex, height: number): LogState {
  if (action.type === 'filter') return action.text === state.filter ? state : { top: state.top, filter: action.text }
  if (action.type === 'end') return { ...state, top: null }
  if (index.count() === 0) return state
  if (action.type === 'home') return { ...state, top: index.at(0) }
  const rows = Math.max(1, height)
  const last = Math.max(0, index.count() - rows)
  const by = action.type === 'page' ? action.by * Math.max(1, rows - 1) : action.by
  const place = Math.max(0, Math.min(last, logTop(state, index, height) + by))
  if (place === last && by >= 0) return { ...state, top: null }
  return { ...state, top: index.at(place) }
}

export interface LogRow {
  readonly number: number
  readonly text: string
}

/** The rows to show, and nothing more. */
export function logRows(state: LogState, index: LogIndex, height: number): LogRow[] {
  const top = logTop(state, index, height)
  const rows: LogRow[] = []
  for (let place = top; place < Math.min(index.count(), top + Math.max(0, height)); place++) {
    const number = index.at(place)
    rows.push({ number, text: index.buffer.line(number) })
  }
  return rows
}

const counted = (n: number) => n.toLocaleString('en-US')

/** How the log is being looked at, in words: `following, 1,204 of 9,000 lines matching /nan/, 300 dropped`. */
export function logStatus(state: LogState, index: LogIndex): string {
  const { buffer, filter } = index
  const total = buffer.end() - buffer.first()
  const error = filter.error()
  const lines =
    filter.label === '' || error !== null
      ? `${counted(total)} line${total === 1 ? '' : 's'}`
      : `${counted(index.count())} of ${counted(total)} lines ${filter.label}`
  return [
    state.top === null ? 'following' : 'paused',
    error === null ? lines : `${lines}, filter not used: ${error}`,
    ...(buffer.first() > 0 ? [`${counted(buffer.first())} dropped`] : []),
  ].join(', ')
}

/** The newest `limit` lines that pass, wrapped, under a line that says how many there are. For `--plain`. */
export function logLines(state: LogState, index: LogIndex, width: number, limit = 200): string[] {
  index.refresh()
  const rows = logRows({ ...state, top: null }, index, limit)
  return [logStatus(state, index), ...rows.flatMap((row) => wrap(oneLine(row.text), width, '  '))]
}
