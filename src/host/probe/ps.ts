import { known, quote, type Reading, unknown, wholeNumber } from './value.ts'

/** A row of `ps`. No start time is taken from it: busybox tells none, and others only to the second. */
export interface PsRow {
  readonly pid: number
  /** Null where the column is not there. */
  readonly parent: number | null
  readonly group: number | null
  /** First letter; Z is a process that has ended and was not waited for. */
  readonly state: string | null
  readonly command: string
}

/** Columns by the headers that procps, busybox and the BSDs print for `pid,ppid,pgid,stat,comm`. */
const columns = { PID: 'pid', PPID: 'parent', PGID: 'group', STAT: 'state', S: 'state' } as const
const ofCommand = /^(COMMAND|COMM|CMD|UCOMM)$/
const mostRows = 100_000

/**
 * Parses `ps -o pid,ppid,pgid,stat,comm` of procps, busybox or a BSD: a header, then a row a process, the command last. A row
 * of another form makes the whole list unknown: a process that is left out would count as gone. Never throws.
 */
export function parsePs(text: string): Reading<readonly PsRow[]> {
  if (!text.endsWith('\n')) return unknown('the list of ps was cut')
  const [header = '', ...lines] = text.slice(0, -1).split('\n')
  const names = header.trim().split(/\s+/)
  if (names[0] !== 'PID' || !ofCommand.test(names.at(-1) ?? '')) return unknown(`not a header of ps: ${quote(header)}`)
  if (lines.length > mostRows) return unknown(`ps lists more than ${mostRows} processes`)
  const fields = names.slice(0, -1)
  if (new Set(fields).size !== fields.length || fields.some((name) => !Object.hasOwn(columns, name)))
    return unknown(`ps has columns that were not asked for: ${quote(header)}`)
  const shape = new RegExp(`^ *${'(\\S+) +'.repeat(fields.length)}(\\S.*)$`)
  const rows: PsRow[] = []
  for (const line of lines) {
    const cells = shape.exec(line)
    if (cells === null) return unknown(`not a row of ps: ${quote(line)}`)
    const row: { -readonly [K in keyof PsRow]: PsRow[K] } = {
      ...{ pid: 0, parent: null, group: null, state: null },
      command: (cells.at(-1) ?? '').trimEnd(),
    }
    for (const [i, name] of fields.entries()) {
      const cell = cells[i + 1] ?? ''
      const column = columns[name as keyof typeof columns]
      if (column === 'state') {
        if (!/^[A-Za-z][A-Za-z<+>0-9]{0,11}$/.test(cell)) return unknown(`state of a process is ${quote(cell)}`)
        row.state = cell.charAt(0)
        continue
      }
      const number = wholeNumber(cell)
      if (!number.isKnown) return number
      row[column] = number.value
    }
    rows.push(row)
  }
  return rows.length === 0 ? unknown('ps lists no process') : known(rows)
}
