import type { OutputHit } from '../notebook/scan.ts'
import type { ActResult } from '../run/act.ts'
import { plural } from '../text/format.ts'
import { clean, notebookAt, orRefused } from './notebook-at.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

/** A place that was found: in what was asked for (line 0) or in what was printed. */
export interface CellHit {
  readonly number: number
  readonly cellId: string
  readonly line: number
  readonly text: string
}

/** What a search has found so far; told while it goes on. */
export interface CellHits {
  readonly kind: 'cell-hits'
  readonly text: string
  readonly hits: readonly CellHit[]
}

/** Hits are told in batches of this many at most; the first of them at once. */
const batch = 50

/** `kx cell search`: over what was asked for and what was printed; the newest cells first. */
export function searchCells(
  env: CommandEnvironment,
  args: { readonly text: string; readonly regex: boolean; readonly filter: string; readonly most: number },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ cellFilter, inputText }, { searchLines, searchLiteral }, { state, folder, secrets }] = await Promise.all([
      import('../notebook/rules.ts'),
      import('../notebook/search.ts'),
      notebookAt(env, null),
    ])
    const test = cellFilter(args.filter, Date.now(), state)
    const places = state.cells.flatMap((cell, at) => (test(cell) ? [at] : [])).reverse()
    const numbers = new Map(places.map((at) => [state.cells[at]?.started.cellId ?? '', at + 1]))
    const cells = places.flatMap((at) => state.cells[at] ?? [])
    const matches = args.regex ? await patternOf(args.text) : (text: string) => text.includes(args.text)
    const hits: CellHit[] = []
    let told = 0
    const found = (hit: OutputHit) => {
      if (hits.length >= args.most) return
      const text = clean(hit.text, secrets)
      hits.push({ ...hit, number: numbers.get(hit.cellId) ?? 0, text })
      env.print?.(`#${hits.at(-1)?.number}${hit.line === 0 ? '' : `:${hit.line}`}  ${text}`)
      if (hits.length > 1 && hits.length < told + batch) return
      told = hits.length
      env.progress({ text: '', result: { kind: 'cell-hits', text: args.text, hits: [...hits] } satisfies CellHits })
    }
    for (const cell of cells)
      if (matches(inputText(cell))) found({ cellId: cell.started.cellId, line: 0, text: inputText(cell).slice(0, 480) })
    let count = hits.length
    if (args.regex) {
      for await (const hit of searchLines(folder, cells, matches, env.signal)) {
        found(hit)
        count += 1
        if (hits.length >= args.most) break
      }
    } else {
      const result = await searchLiteral({ folder, cells, text: args.text, most: args.most, signal: env.signal })
      for (const hit of result.hits) found(hit)
      count += result.count
    }
    env.progress({ text: '', result: { kind: 'cell-hits', text: args.text, hits } satisfies CellHits })
    const shown = count > hits.length ? `, the first ${hits.length} shown` : ''
    const more = args.regex && hits.length >= args.most ? ' or more' : ''
    return {
      summary: `${plural(count, 'place')}${more} in ${plural(cells.length, 'cell')}${shown}`,
      exitCode: count === 0 ? 1 : 0,
      data: { hits, count },
      lines:
        env.print === undefined
          ? hits.map(({ number, line, text }) => `#${number}${line === 0 ? '' : `:${line}`}  ${text}`)
          : [],
    }
  })
}

/** A pattern whose cost grows with the text alone, whatever a person types. */
async function patternOf(source: string): Promise<(text: string) => boolean> {
  const { makePattern } = await import('../ui/safe-pattern.ts')
  const pattern = makePattern(source)
  if ('error' in pattern)
    throw new Refused({ summary: `/${source}/ cannot be used: ${pattern.error}`, exitCode: 2, data: null })
  return (text) => {
    if (pattern.isExhausted())
      throw new Refused({ summary: `/${source}/ costs too much here; make it simpler`, exitCode: 2, data: null })
    return pattern.test(text)
  }
}
