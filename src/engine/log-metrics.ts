/** One line of metrics.jsonl, made from a line of a log. */
export type LogRecord = Readonly<Record<string, number | string>>

export interface LogMetrics {
  /** Bytes of one stream as they came; whole lines are read, the rest waits. `time` stands in the last record. */
  take(stream: 'stdout' | 'stderr', bytes: Uint8Array, atSeconds: number): readonly LogRecord[]
  /** The unit has ended: what waits is a line too. */
  end(atSeconds: number): readonly LogRecord[]
  /** The log says which step it is at; else lines with metrics are counted, from 1 at every start. */
  namesSteps(): boolean
  /** Newest values by name and `nan_count`, as the runner writes them into result.json; null when nothing matched. */
  result(): LogRecord | null
}

const longestLine = 8192
const longestName = 64
const mostNames = 256
const mostInLine = 64
/** Same rules, character for character, as the runner's (box/runner/log-metrics.sh): docs/unit-contract.md 7. */
const nameCharacter = /[A-Za-z0-9_./-]/
const nameBegin = /[A-Za-z_]/
const printable = /[ -~]/
const numberText = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?/
const oddText = /^[-+]?(nan|inf(inity)?)/i
const colour = /\x1b\[[0-9;?]*[A-Za-z]/g
const lineEnd = /[\n\r\0]/

interface Match {
  readonly name: string
  readonly value: number | string
  /** The number as it was written, without sign and leading zeros; null for what is not finite. */
  readonly digits: string | null
}

/** Reads metrics from the output of one start of a unit. Pure; throws nothing. `pattern` holds {name}, then {value}. */
export function logMetrics(pattern: string): LogMetrics {
  // One byte a character: what is no UTF-8 matches as it does on the box.
  const squeezed = Buffer.from(pattern, 'utf8')
    .toString('latin1')
    .replaceAll(/[ \t]+/g, ' ')
  const nameAt = squeezed.indexOf('{name}')
  const valueAt = squeezed.indexOf('{value}')
  const marks = {
    before: squeezed.slice(0, nameAt),
    between: squeezed.slice(nameAt + 6, valueAt),
    after: squeezed.slice(valueAt + 7),
  }
  const isUsable = nameAt >= 0 && valueAt > nameAt + 6
  const waiting = { stdout: '', stderr: '' }
  const newest = new Map<string, number | string>()
  let step = 0
  let isNamed = false
  let nanLines = 0

  const recordOf = (line: string): Record<string, number | string> | null => {
    const here = new Map<string, number | string>()
    for (const { name, value, digits } of matchesIn(line, marks, () => here.size < mostInLine)) {
      if (name === 'time') continue
      if (name === 'step') {
        if (digits !== null && typeof value === 'number' && /^[0-9]{1,15}$/.test(digits) && !Object.is(value, -0)) {
          step = value
          isNamed = true
        }
        continue
      }
      if (!newest.has(name) && newest.size >= mostNames) continue
      newest.set(name, value)
      here.set(name, value)
    }
    if (here.size === 0) return null
    if (!isNamed) step++
    if ([...here.values()].some((value) => typeof value === 'string')) nanLines++
    return Object.fromEntries([['step', step], ...here])
  }
  const recordsOf = (lines: readonly string[], atSeconds: number): readonly LogRecord[] => {
    if (!isUsable) return []
    const records = lines.map(recordOf).filter((record) => record !== null)
    const last = records.at(-1)
    if (last !== undefined) last.time = atSeconds
    return records
  }
  return {
    take(stream, bytes, atSeconds) {
      const lines = `${waiting[stream]}${Buffer.from(bytes).toString('latin1')}`.split(lineEnd)
      // Longer than any line may be: what is kept of it is enough to leave it out when it ends.
      waiting[stream] = (lines.pop() ?? '').slice(0, longestLine + 1)
      return recordsOf(lines, atSeconds)
    },
    end(atSeconds) {
      const lines = [waiting.stdout, waiting.stderr]
      waiting.stdout = ''
      waiting.stderr = ''
      return recordsOf(lines, atSeconds)
    },
    namesSteps: () => isNamed,
    result: () => (newest.size === 0 ? null : { nan_count: nanLines, ...Object.fromEntries(newest) }),
  }
}

function* matchesIn(
  raw: string,
  { before, between, after }: Readonly<Record<'before' | 'between' | 'after', string>>,
  hasRoom: () => boolean,
): Generator<Match> {
  if (raw.length > longestLine) return
  const line = raw.replaceAll(colour, '').replaceAll(/[ \t]+/g, ' ')
  /** Where the text begins that no earlier match has used. */
  let free = 0
  for (let at = line.indexOf(between); at >= 0 && hasRoom(); ) {
    const name = nameBefore(line, at, free, before)
    const value = name === null ? null : valueAfter(line, at + between.length, after)
    if (name === null || value === null) {
      at = line.indexOf(between, at + 1)
      continue
    }
    yield { name, ...read(value) }
    free = at + between.length + value.length + after.length
    at = line.indexOf(between, free)
  }
}

/** The longest name that ends at `end`, with `before` right in front of it. */
function nameBefore(line: string, end: number, free: number, before: string): string | null {
  let start = end
  while (start > free && end - start <= longestName && nameCharacter.test(line.charAt(start - 1))) start--
  if (end - start > longestName) return null
  for (; start < end; start++) {
    if (!nameBegin.test(line.charAt(start))) continue
    if (before === '') return start === 0 || printable.test(line.charAt(start - 1)) ? line.slice(start, end) : null
    const from = start - before.length
    if (from >= free && line.startsWith(before, from)) return line.slice(start, end)
  }
  return null
}

/** The number, NaN or infinity at `at`: with `after` behind it, or with nothing that would make it part of something else. */
function valueAfter(line: string, at: number, after: string): string | null {
  const rest = line.slice(at, at + 64)
  const text = (numberText.exec(rest) ?? oddText.exec(rest))?.[0]
  if (text === undefined) return null
  const end = at + text.length
  if (after !== '') return line.startsWith(after, end) ? text : null
  const next = line.charAt(end)
  if (next !== '' && (!printable.test(next) || /[A-Za-z0-9_]/.test(next))) return null
  return /[.,:-]/.test(next) && /[0-9]/.test(line.charAt(end + 1)) ? null : text
}

function read(text: string): Omit<Match, 'name'> {
  if (/^[-+]?n/i.test(text)) return { value: 'NaN', digits: null }
  const value = /^[-+]?i/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
  if (!Number.isFinite(value)) return { value: value < 0 ? '-Infinity' : 'Infinity', digits: null }
  const digits = text
    .replace(/^[-+]/, '')
    .replace(/\.(?=[eE]|$)/, '')
    .replace(/^0+(?=[0-9])/, '')
  return { value, digits }
}
