import { afterAll, describe, expect, it } from 'vitest'
import { corpus } from './corpus.ts'
import { openBench, plainLines } from './harness.ts'

const bench = openBench()
afterAll(() => bench.engine.close())

/** These never end by themselves: they are given little time. */
const isEndless = (source: string) => /while \(true\)|for \(;;\) (?:\{|await)|new Promise\(\(\) => \{\}\)$/.test(source)

describe('the expression corpus', () => {
  it('holds at least 150 inputs', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(150)
  })

  it('shows of every input what it showed before', async () => {
    const wrong: unknown[] = []
    for (const [source, outcome, lines, count] of corpus) {
      const result = await bench.enter(source, isEndless(source) ? { timeoutMs: 300, awaitMs: 300 } : {})
      const shown = plainLines(result.lines)
      const kept = shown.slice(0, 12).map((line) => line.replaceAll(import.meta.dirname, '<project>').slice(0, 160))
      const isSame =
        result.outcome === outcome &&
        JSON.stringify(kept) === JSON.stringify(lines) &&
        (count === undefined ? shown.length <= 12 : shown.length === count)
      if (!isSame) wrong.push({ source, is: [result.outcome, kept, shown.length], was: [outcome, lines, count] })
    }
    expect(wrong).toEqual([])
    // Two entries that loop after their first pause took the worker with them, and nothing else did.
    expect(bench.lost).toHaveLength(2)
  })
})
