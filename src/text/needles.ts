/** Finds many fixed strings at once, in one pass over the text: an Aho-Corasick automaton. */
export interface NeedleFinder {
  /** Ranges of all occurrences, merged where they touch, in order. */
  find(text: string): { readonly ranges: readonly Range[]; readonly openLength: number }
}

/** From `start` to before `end`, in UTF-16 units. */
export interface Range {
  start: number
  end: number
}

/** `openLength` of a result: how many characters at the end may be the beginning of an occurrence. */
export function createNeedleFinder(needles: readonly string[]): NeedleFinder | null {
  const words = [...new Set(needles)].filter((w) => w !== '')
  if (words.length === 0) return null
  const classOf = new Uint16Array(65_536)
  let classes = 1
  let size = 1
  for (const word of words) {
    size += word.length
    for (let i = 0; i < word.length; i++) {
      const code = word.charCodeAt(i)
      if (classOf[code] === 0) classOf[code] = classes++
    }
  }
  const next = new Int32Array(size * classes)
  const depth = new Int32Array(size)
  const longest = new Int32Array(size)
  let states = 1
  for (const word of words) {
    let state = 0
    for (let i = 0; i < word.length; i++) {
      const slot = state * classes + (classOf[word.charCodeAt(i)] ?? 0)
      if (next[slot] === 0) {
        depth[states] = i + 1
        next[slot] = states++
      }
      state = next[slot] ?? 0
    }
    longest[state] = word.length
  }
  completeAutomaton(next, longest, classes, states)
  return {
    find(text) {
      const ranges: Range[] = []
      let state = 0
      for (let i = 0; i < text.length; i++) {
        state = next[state * classes + (classOf[text.charCodeAt(i)] ?? 0)] ?? 0
        const length = longest[state] ?? 0
        if (length > 0) addRange(ranges, i + 1 - length, i + 1)
      }
      return { ranges, openLength: depth[state] ?? 0 }
    },
  }
}

/** Adds a range whose end is the largest so far, merging what it touches. */
export function addRange(ranges: Range[], start: number, end: number): void {
  let from = start
  for (let last = ranges.at(-1); last !== undefined && last.end >= from; last = ranges.at(-1)) {
    from = Math.min(from, last.start)
    ranges.pop()
  }
  ranges.push({ start: from, end })
}

/** Breadth first: fills in what follows a mismatch, and passes ends of shorter words on. Class 0 always leads to the root. */
function completeAutomaton(next: Int32Array, longest: Int32Array, classes: number, states: number): void {
  const fail = new Int32Array(states)
  const queue: number[] = []
  for (let c = 1; c < classes; c++) {
    const child = next[c] ?? 0
    if (child !== 0) queue.push(child)
  }
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0
    const back = fail[state] ?? 0
    if (longest[state] === 0) longest[state] = longest[back] ?? 0
    for (let c = 1; c < classes; c++) {
      const slot = state * classes + c
      const child = next[slot] ?? 0
      const other = next[back * classes + c] ?? 0
      if (child === 0) next[slot] = other
      else {
        fail[child] = other
        queue.push(child)
      }
    }
  }
}
