/** Bounds of a log in memory. */
export interface LogLimits {
  readonly lines: number
  /** Characters over all lines. */
  readonly characters: number
  /** Longer lines are cut and say so. */
  readonly lineCharacters: number
}

/** 10 000 lines and 4 million characters: some 8 MB at most. Lines of 4 KiB are the longest that filters look at. */
export const defaultLogLimits: LogLimits = { lines: 10_000, characters: 4_000_000, lineCharacters: 4096 }

/** The newest lines of an output. Every line keeps its number for as long as it is held. */
export interface LogBuffer {
  /** Takes output as it comes; a line counts once its end has come. Bytes have passed the text door before. */
  readonly append: (text: string) => void
  /** Ends an unfinished last line: the output is closed. */
  readonly close: () => void
  /** Number of the oldest line held; all before were dropped. */
  readonly first: () => number
  /** Number that the next line will get. */
  readonly end: () => number
  readonly line: (number: number) => string
  /** Grows with every change: for memo and caches. */
  readonly version: () => number
}

/** A cut line is copied, because a slice would hold on to the whole line that it was cut from. */
function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}

/** Last state of a line that was written over with carriage returns, as progress bars do. */
function visible(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  const at = text.lastIndexOf('\r')
  return at < 0 ? text : text.slice(at + 1)
}

/** An empty log within the given bounds. */
export function makeLogBuffer(limits: LogLimits = defaultLogLimits): LogBuffer {
  const ring: string[] = new Array(limits.lines)
  let first = 0
  let end = 0
  let characters = 0
  let version = 0
  let rest = ''
  const drop = () => {
    characters -= ring[first % limits.lines]?.length ?? 0
    ring[first % limits.lines] = ''
    first += 1
  }
  const push = (raw: string) => {
    let line = visible(raw)
    if (line.length > limits.lineCharacters) line = `${copied(line.slice(0, limits.lineCharacters - 10))} [cut]`
    if (end - first >= limits.lines) drop()
    ring[end % limits.lines] = line
    end += 1
    characters += line.length
    while (characters > limits.characters && first < end - 1) drop()
  }
  return {
    append: (text) => {
      if (text === '') return
      version += 1
      let from = 0
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        push(rest + text.slice(from, at))
        rest = ''
        from = at + 1
      }
      rest += text.slice(from)
      // An endless line without an end must not grow: what is beyond the bound would be cut anyway.
      if (rest.length > limits.lineCharacters * 4) rest = copied(rest.slice(0, limits.lineCharacters + 1))
    },
    close: () => {
      if (rest === '') return
      version += 1
      push(rest)
      rest = ''
    },
    first: () => first,
    end: () => end,
    line: (number) => (number >= first && number < end ? (ring[number % limits.lines] ?? '') : ''),
    version: () => version,
  }
}
