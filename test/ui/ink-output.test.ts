import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// @ts-expect-error: a script of the build, without types
import { fasterInkOutput } from '../../.ci/ink-output.mjs'

interface InkOutput {
  write(x: number, y: number, text: string, options: { transformers: readonly ((line: string) => string)[] }): void
  clip(clip: { x1?: number; x2?: number; y1?: number; y2?: number }): void
  unclip(): void
  get(): { output: string; height: number }
}
type Make = new (size: { width: number; height: number }) => InkOutput

const original = join(dirname(fileURLToPath(import.meta.resolve('ink'))), 'output.js')
// Beside the original, so that its imports are found.
const copy = join(dirname(original), `output.kx-test-${process.pid}.js`)
let Stock: Make
let Faster: Make
beforeAll(async () => {
  writeFileSync(copy, fasterInkOutput(readFileSync(original, 'utf8')))
  Stock = ((await import(pathToFileURL(original).href)) as { default: Make }).default
  Faster = ((await import(pathToFileURL(copy).href)) as { default: Make }).default
})
afterAll(() => rmSync(copy, { force: true }))

const piece = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '\u001b[31mred\u001b[39m',
    '\u001b[1;38;2;1;2;3mbold\u001b[22;39m',
    '\u001b[48;5;4m \u001b[49m',
    '数据',
    '👩‍🚀',
    'e\u0301',
    '│──│',
    '\n',
    '\u200b',
    '\u001b]8;;https://kx.example\u0007link\u001b]8;;\u0007',
  ),
)
const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
const at = fc.integer({ min: -3, max: 30 })
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('write' as const), x: at, y: fc.integer({ min: -1, max: 8 }), text }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clip' as const), x1: at, x2: at, y1: at, y2: at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unclip' as const) }) },
)

function drawn(Output: Make, width: number, height: number, operations: readonly unknown[]) {
  const output = new Output({ width, height })
  for (const each of operations as readonly {
    kind: string
    x: number
    y: number
    text: string
    x1: number
    x2: number
    y1: number
    y2: number
  }[]) {
    if (each.kind === 'write') output.write(each.x, each.y, each.text, { transformers: [] })
    else if (each.kind === 'clip') output.clip({ x1: each.x1, x2: each.x2, y1: each.y1, y2: each.y2 })
    else output.unclip()
  }
  return output.get()
}

describe("Ink's output with caches that last", () => {
  it('draws what stock Ink draws, frame after frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(operation, { maxLength: 14 }),
        (width, height, operations) => {
          const right = drawn(Stock, width, height, operations)
          expect(drawn(Faster, width, height, operations)).toEqual(right)
          // What the caches hold from the first time is still the same.
          expect(drawn(Faster, width, height, operations)).toEqual(right)
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('refuses a file that is not the one it was made for', () => {
    expect(() => fasterInkOutput('export default class Output {}')).toThrow(/no longer holds/)
  })
})
