import { searchLines, searchLiteral } from '../../../src/notebook/search.ts'
import { readRunState } from '../../../src/run/reader.ts'
import { makePattern } from '../../../src/ui/safe-pattern.ts'
import { spread } from '../stats.ts'
import { type BenchNotebook, needle } from './make.ts'

/** A text over every output; and a pattern to its first hit, which stands in the newest cell, and in none but the oldest. */
export async function searches(notebook: BenchNotebook, rounds: number) {
  const state = readRunState(notebook.runFolder)
  if (state === null) throw new Error('the run of the bench cannot be read')
  const cells = [...state.cells].reverse()
  const pattern = makePattern('ne+dle of the b[aeiou]nch')
  if ('error' in pattern) throw new Error(pattern.error)
  const literal: number[] = []
  const first: number[] = []
  for (let round = -1; round < rounds; round += 1) {
    let startMs = performance.now()
    const found = await searchLiteral({ folder: notebook.runFolder, cells, text: needle, most: 100 })
    const literalMs = performance.now() - startMs
    if (found.count !== 2 || found.bytes < notebook.bytes * 0.99)
      throw new Error(`found ${found.count} in ${found.bytes} bytes`)
    startMs = performance.now()
    const { value } = await searchLines(notebook.runFolder, cells, pattern.test).next()
    const firstMs = performance.now() - startMs
    if (value === undefined) throw new Error('the pattern found nothing')
    if (round < 0) continue
    literal.push(literalMs)
    first.push(firstMs)
  }
  return { bytes: notebook.bytes, literalMs: spread(literal), firstHitOfPatternMs: spread(first), barLiteralMs: 1000 }
}
