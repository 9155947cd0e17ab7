/** A line of a comparison: in both, only before, only after, or words of ours about what is left out. */
export interface DiffLine {
  readonly sign: ' ' | '-' | '+' | '@'
  readonly text: string
}

/** Most lines of one side that are compared one by one, and most steps that are searched; beyond it blocks are shown. */
const mostLines = 20_000
const mostSteps = 2_000

/** What differs between two texts, with lines around it: the shortest way by Myers, within bounds. */
export function diffLines(before: readonly string[], after: readonly string[], context = 3): readonly DiffLine[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  const room = Math.min(before.length, after.length) - start
  while (end < room && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  const a = before.slice(start, before.length - end)
  const b = after.slice(start, after.length - end)
  const changed = (a.length + b.length <= mostLines ? shortest(a, b) : null) ?? [
    ...a.map((text): DiffLine => ({ sign: '-', text })),
    ...b.map((text): DiffLine => ({ sign: '+', text })),
  ]
  const same = (text: string): DiffLine => ({ sign: ' ', text })
  return around(
    [...before.slice(0, start).map(same), ...changed, ...before.slice(before.length - end).map(same)],
    context,
  )
}

/** Null: the two have too little in common to search for it. */
function shortest(a: readonly string[], b: readonly string[]): DiffLine[] | null {
  const most = Math.min(a.length + b.length, mostSteps)
  const trace: Int32Array[] = []
  let furthest = new Int32Array(2 * most + 3)
  const at = (k: number) => k + most + 1
  for (let d = 0; d <= most; d += 1) {
    trace.push(furthest.slice())
    const next = furthest.slice()
    for (let k = -d; k <= d; k += 2) {
      const isDown = k === -d || (k !== d && (furthest[at(k - 1)] ?? 0) < (furthest[at(k + 1)] ?? 0))
      let x = isDown ? (furthest[at(k + 1)] ?? 0) : (furthest[at(k - 1)] ?? 0) + 1
      let y = x - k
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x += 1
        y += 1
      }
      next[at(k)] = x
      if (x >= a.length && y >= b.length) return walkBack(a, b, trace, d, at)
    }
    furthest = next
  }
  return null
}

function walkBack(
  a: readonly string[],
  b: readonly string[],
  trace: readonly Int32Array[],
  steps: number,
  at: (k: number) => number,
): DiffLine[] {
  const out: DiffLine[] = []
  let x = a.length
  let y = b.length
  for (let d = steps; d > 0; d -= 1) {
    const furthest = trace[d] ?? new Int32Array()
    const k = x - y
    const isDown = k === -d || (k !== d && (furthest[at(k - 1)] ?? 0) < (furthest[at(k + 1)] ?? 0))
    const fromX = furthest[at(isDown ? k + 1 : k - 1)] ?? 0
    const fromY = fromX - (isDown ? k + 1 : k - 1)
    while (x > fromX && y > fromY) {
      x -= 1
      y -= 1
      out.push({ sign: ' ', text: a[x] ?? '' })
    }
    if (isDown) out.push({ sign: '+', text: b[fromY] ?? '' })
    else out.push({ sign: '-', text: a[fromX] ?? '' })
    x = fromX
    y = fromY
  }
  while (x > 0 && y > 0) {
    x -= 1
    y -= 1
    out.push({ sign: ' ', text: a[x] ?? '' })
  }
  return out.reverse()
}

function around(lines: readonly DiffLine[], context: number): DiffLine[] {
  const isNear = new Uint8Array(lines.length)
  for (const [i, line] of lines.entries())
    if (line.sign !== ' ') isNear.fill(1, Math.max(0, i - context), Math.min(lines.length, i + context + 1))
  const out: DiffLine[] = []
  let left = 0
  for (const [i, line] of lines.entries()) {
    if (isNear[i] === 1) {
      if (left > 0) out.push({ sign: '@', text: `${left} equal lines` })
      left = 0
      out.push(line)
    } else left += 1
  }
  if (left > 0 && out.length > 0) out.push({ sign: '@', text: `${left} equal lines` })
  return out
}
