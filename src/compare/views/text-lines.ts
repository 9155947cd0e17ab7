import { wordDiff } from '../word-diff.ts'
import type { TextLine } from './types.ts'

/** Equal lines that stand around a change. */
const around = 3
/** Beyond so many lines of a gap without any line to hold on to, both sides are shown as replaced. */
const mostInGap = 1500
/** Longer lines are not compared word by word. */
const mostCharacters = 2000
/** Share of a line that must have stayed for its words to be marked: less is another line. */
const leastShared = 0.4

interface Pair {
  readonly a: number | null
  readonly b: number | null
}

/** Lines of two texts, changes in their words marked, and equal ones far from any change taken out with their count. */
export function textLines(before: string, after: string): readonly TextLine[] {
  const [a, b] = [linesOf(before), linesOf(after)]
  const pairs: Pair[] = []
  align(a, 0, a.length, b, 0, b.length, pairs)
  return cutEqual(marked(pairs, a, b))
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/**
 * Puts equal lines side by side: equal ends first, then lines that stand once in each text and in the same order (as
 * Cohen's patience diff does it), and what is left between them by the longest common subsequence.
 */
function align(
  a: readonly string[],
  fromA: number,
  toA: number,
  b: readonly string[],
  fromB: number,
  toB: number,
  out: Pair[],
): void {
  let [startA, startB, endA, endB] = [fromA, fromB, toA, toB]
  while (startA < endA && startB < endB && a[startA] === b[startB]) out.push({ a: startA++, b: startB++ })
  const tail: Pair[] = []
  while (endA > startA && endB > startB && a[endA - 1] === b[endB - 1]) tail.push({ a: --endA, b: --endB })
  const anchors = startA < endA && startB < endB ? anchorsOf(a, startA, endA, b, startB, endB) : []
  if (anchors.length > 0) {
    let [atA, atB] = [startA, startB]
    for (const anchor of anchors) {
      align(a, atA, anchor.a, b, atB, anchor.b, out)
      out.push(anchor)
      atA = anchor.a + 1
      atB = anchor.b + 1
    }
    align(a, atA, endA, b, atB, endB, out)
  } else between(a, startA, endA, b, startB, endB, out)
  // One by one: a text may have more lines than a call may have arguments.
  for (const pair of tail.reverse()) out.push(pair)
}

/** Lines that stand once on each side, the most of them that keep their order. */
function anchorsOf(
  a: readonly string[],
  fromA: number,
  toA: number,
  b: readonly string[],
  fromB: number,
  toB: number,
): { a: number; b: number }[] {
  const once = (lines: readonly string[], from: number, to: number) => {
    const places = new Map<string, number>()
    for (let at = from; at < to; at++) places.set(lines[at] as string, places.has(lines[at] as string) ? -1 : at)
    return places
  }
  const inB = once(b, fromB, toB)
  const both: { a: number; b: number }[] = []
  for (const [line, at] of once(a, fromA, toA)) {
    const there = inB.get(line) ?? -1
    if (at >= 0 && there >= 0 && line.trim() !== '') both.push({ a: at, b: there })
  }
  both.sort((x, y) => x.a - y.a)
  return risingIn(both)
}

/** The longest run of anchors that rises on the second side as well. */
function risingIn(anchors: readonly { a: number; b: number }[]): { a: number; b: number }[] {
  const ends: number[] = []
  const before = new Array<number>(anchors.length).fill(-1)
  for (const [at, { b }] of anchors.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((anchors[ends[middle] as number] as { b: number }).b < b) low = middle + 1
      else high = middle
    }
    before[at] = low === 0 ? -1 : (ends[low - 1] as number)
    ends[low] = at
  }
  const kept: { a: number; b: number }[] = []
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] as number)
    kept.push(anchors[at] as { a: number; b: number })
  return kept.reverse()
}

/** Longest common subsequence of a small gap; of a large one everything is replaced. */
function between(
  a: readonly string[],
  fromA: number,
  toA: number,
  b: readonly string[],
  fromB: number,
  toB: number,
  out: Pair[],
): void {
  const [rows, columns] = [toA - fromA, toB - fromB]
  const alone = () => {
    for (let at = fromA; at < toA; at++) out.push({ a: at, b: null })
    for (let at = fromB; at < toB; at++) out.push({ a: null, b: at })
  }
  if (rows === 0 || columns === 0 || rows > mostInGap || columns > mostInGap) return alone()
  const width = columns + 1
  const lengths = new Uint16Array((rows + 1) * width)
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[fromA + i] === b[fromB + j]
          ? (lengths[(i + 1) * width + j + 1] as number) + 1
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number)
  let [i, j] = [0, 0]
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[fromA + i] === b[fromB + j]) out.push({ a: fromA + i++, b: fromB + j++ })
    else if (
      j >= columns ||
      (i < rows && (lengths[(i + 1) * width + j] as number) >= (lengths[i * width + j + 1] as number))
    )
      out.push({ a: fromA + i++, b: null })
    else out.push({ a: null, b: fromB + j++ })
  }
}

/** A line that went and one that came in its place, where much of it stayed, become one line with marked words. */
function marked(pairs: readonly Pair[], a: readonly string[], b: readonly string[]): TextLine[] {
  const lines: TextLine[] = []
  for (let at = 0; at < pairs.length; ) {
    const { a: left, b: right } = pairs[at] as Pair
    if (left !== null && right !== null) {
      lines.push({ kind: 'same', a: left + 1, b: right + 1, pieces: [{ kind: 'same', text: a[left] as string }] })
      at++
      continue
    }
    const [gone, come]: [number[], number[]] = [[], []]
    for (; at < pairs.length; at++) {
      const pair = pairs[at] as Pair
      if (pair.a !== null && pair.b !== null) break
      if (pair.a !== null) gone.push(pair.a)
      else come.push(pair.b as number)
    }
    for (const line of blockOf(gone, come, a, b)) lines.push(line)
  }
  return lines
}

/** So far down a line is looked for that may have come in the place of one that went. */
const lookAhead = 12

function blockOf(
  gone: readonly number[],
  come: readonly number[],
  a: readonly string[],
  b: readonly string[],
): readonly TextLine[] {
  const lines: TextLine[] = []
  let next = 0
  for (const left of gone) {
    let found: { at: number; pieces: TextLine['pieces'] } | null = null
    for (let at = next; at < Math.min(come.length, next + lookAhead) && found === null; at++) {
      const pieces = piecesOf(a[left] as string, b[come[at] as number] as string)
      if (pieces !== null) found = { at, pieces }
    }
    if (found === null) lines.push(removed(left, a))
    else {
      for (; next < found.at; next++) lines.push(added(come[next] as number, b))
      lines.push({ kind: 'changed', a: left + 1, b: (come[next++] as number) + 1, pieces: found.pieces })
    }
  }
  for (const right of come.slice(next)) lines.push(added(right, b))
  return lines
}

const removed = (at: number, a: readonly string[]): TextLine => ({
  kind: 'removed',
  a: at + 1,
  b: null,
  pieces: [{ kind: 'removed', text: a[at] as string }],
})
const added = (at: number, b: readonly string[]): TextLine => ({
  kind: 'added',
  a: null,
  b: at + 1,
  pieces: [{ kind: 'added', text: b[at] as string }],
})

function piecesOf(before: string, after: string): TextLine['pieces'] | null {
  if (before.length > mostCharacters || after.length > mostCharacters) return null
  const pieces = wordDiff(before, after)
  const kept = pieces.reduce((sum, { kind, text }) => sum + (kind === 'same' ? text.trim().length : 0), 0)
  return kept >= leastShared * Math.max(before.trim().length, after.trim().length) ? pieces : null
}

/** Takes equal lines out that are far from any change, and says how many there were. */
function cutEqual(lines: readonly TextLine[]): TextLine[] {
  const isNear = new Uint8Array(lines.length)
  for (const [at, { kind }] of lines.entries()) {
    if (kind === 'same') continue
    for (let near = Math.max(0, at - around); near <= Math.min(lines.length - 1, at + around); near++) isNear[near] = 1
  }
  const kept: TextLine[] = []
  for (let at = 0; at < lines.length; ) {
    if (isNear[at] === 1) {
      kept.push(lines[at++] as TextLine)
      continue
    }
    const from = at
    while (at < lines.length && isNear[at] === 0) at++
    // One line says as much as the count of it.
    if (at - from === 1) kept.push(lines[from] as TextLine)
    else kept.push({ kind: 'cut', a: null, b: null, pieces: [{ kind: 'same', text: `${at - from} equal lines` }] })
  }
  return kept
}
