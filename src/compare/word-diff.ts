/** A piece of a text: on both sides, or on one alone. */
export interface Piece {
  readonly kind: 'same' | 'removed' | 'added'
  readonly text: string
}

/** Beyond this many words a side the texts are shown as replaced where they differ: the comparison grows with the product. */
const mostWords = 2000

/** Figures with their point and exponent, words, spaces, and marks, each by itself. */
const wordsOf = (text: string) =>
  text.match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])|[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? []

/** What of a text changed, word by word; joined again, the pieces give either text. */
export function wordDiff(before: string, after: string): readonly Piece[] {
  return merged(sequenceDiff(wordsOf(before), wordsOf(after)))
}

/** The same by lines. */
export function lineDiff(before: string, after: string): readonly Piece[] {
  const lines = (text: string) => text.split(/(?<=\n)/).filter((line) => line !== '')
  return sequenceDiff(lines(before), lines(after))
}

/** Longest common subsequence, after what is equal at both ends was taken off. */
function sequenceDiff(before: readonly string[], after: readonly string[]): Piece[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let [endBefore, endAfter] = [before.length, after.length]
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--
    endAfter--
  }
  const same = (text: string): Piece => ({ kind: 'same', text })
  return [
    ...before.slice(0, start).map(same),
    ...middleOf(before.slice(start, endBefore), after.slice(start, endAfter)),
    ...before.slice(endBefore).map(same),
  ]
}

function middleOf(before: readonly string[], after: readonly string[]): Piece[] {
  const removed = (text: string): Piece => ({ kind: 'removed', text })
  const added = (text: string): Piece => ({ kind: 'added', text })
  if (before.length > mostWords || after.length > mostWords) return [...before.map(removed), ...after.map(added)]
  const width = after.length + 1
  const lengths = new Uint16Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        before[i] === after[j]
          ? (lengths[(i + 1) * width + j + 1] as number) + 1
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number)
  const pieces: Piece[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      pieces.push({ kind: 'same', text: before[i] as string })
      i++
      j++
    } else if (
      j >= after.length ||
      (i < before.length && (lengths[(i + 1) * width + j] as number) >= (lengths[i * width + j + 1] as number))
    )
      pieces.push(removed(before[i++] as string))
    else pieces.push(added(after[j++] as string))
  }
  return pieces
}

/** Neighbours of one kind in one piece. */
function merged(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) {
    const last = out.at(-1)
    if (last?.kind === piece.kind) out[out.length - 1] = { kind: piece.kind, text: last.text + piece.text }
    else out.push(piece)
  }
  return out
}
