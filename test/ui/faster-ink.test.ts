import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import fc from 'fast-check'
import * as stockInk from 'ink'
import { createElement, type ReactNode } from 'react'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// @ts-expect-error: a script of the build, without types
import { changedInk, changedInkFiles, fasterInk } from '../../.ci/faster-ink.mjs'
import { FrameOutput } from '../../src/terminal/ink-frame.ts'
import { drawKept, touch } from '../../src/terminal/ink-kept.ts'

interface InkOutput {
  write(x: number, y: number, text: string, options: { transformers: readonly ((line: string) => string)[] }): void
  clip(clip: { x1?: number; x2?: number; y1?: number; y2?: number }): void
  unclip(): void
  get(): { output: string; height: number }
}
type Make = new (size: { width: number; height: number }) => InkOutput
type Ink = typeof stockInk

const root = resolve(import.meta.dirname, '..', '..')
const original = join(dirname(fileURLToPath(import.meta.resolve('ink'))), 'output.js')
// Below node_modules, so that React is found, and the same one.
const scratch = join(root, 'node_modules', `.kx-test-${process.pid}`)
let Stock: Make
let faster: Ink
beforeAll(async () => {
  Stock = ((await import(pathToFileURL(original).href)) as { default: Make }).default
  mkdirSync(scratch)
  const outfile = join(scratch, 'ink.mjs')
  await build({
    stdin: { contents: "export * from 'ink'", resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['react'],
    alias: { 'react-devtools-core': 'node:events' },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    outfile,
    plugins: [fasterInk(root, readFileSync)],
    logLevel: 'error',
  })
  faster = (await import(pathToFileURL(outfile).href)) as Ink
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

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

describe('the output that takes the place of the one of Ink', () => {
  it('draws what stock Ink draws, frame after frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(operation, { maxLength: 14 }),
        (width, height, operations) => {
          const right = drawn(Stock, width, height, operations)
          expect(drawn(FrameOutput, width, height, operations)).toEqual(right)
          // What the caches hold from the first time is still the same.
          expect(drawn(FrameOutput, width, height, operations)).toEqual(right)
        },
      ),
      { numRuns: 1500 },
    )
  })
})

interface Knot {
  readonly kind: 'box' | 'text' | 'loud'
  readonly text: string
  readonly look: Readonly<Record<string, unknown>>
  readonly below: readonly Knot[]
}

const textLook = fc.record(
  {
    color: fc.constantFrom('red', '#102030'),
    bold: fc.boolean(),
    inverse: fc.boolean(),
    wrap: fc.constantFrom('truncate', 'truncate-middle'),
  },
  { requiredKeys: ['wrap'] },
)
const boxLook = fc.record(
  {
    flexDirection: fc.constantFrom('row', 'column'),
    width: fc.integer({ min: 4, max: 30 }),
    height: fc.integer({ min: 1, max: 8 }),
    flexGrow: fc.constantFrom(0, 1),
    flexShrink: fc.constantFrom(0, 1),
    marginLeft: fc.integer({ min: 0, max: 3 }),
    marginTop: fc.integer({ min: 0, max: 2 }),
    borderStyle: fc.constantFrom('single', 'classic'),
    overflow: fc.constantFrom('hidden', 'visible'),
    display: fc.constantFrom('flex', 'flex', 'flex', 'none'),
  },
  { requiredKeys: [] },
)
// Wide characters are for the test above.
const words = fc.constantFrom('kx', '', 'a longer line of words', 'disk 91 %', 'two\nlines', '\u001b[4mlink\u001b[24m')
const { knot } = fc.letrec<{ knot: Knot; box: Knot; leaf: Knot }>((tie) => ({
  leaf: fc.record({
    kind: fc.constantFrom('text' as const, 'loud' as const),
    text: words,
    look: textLook,
    below: fc.constant([]),
  }),
  box: fc.record({
    kind: fc.constant('box' as const),
    text: fc.constant(''),
    look: boxLook,
    below: fc.array(tie('knot'), { maxLength: 4 }),
  }),
  knot: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('leaf'), tie('box'), tie('box')),
}))

interface Edit {
  readonly at: number
  readonly way: 'replace' | 'remove' | 'text' | 'look' | 'add'
  readonly to: Knot
}
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 30 }),
  way: fc.constantFrom('replace', 'remove', 'text', 'text', 'look', 'add'),
  to: knot,
})

const sizeOf = (tree: Knot): number => tree.below.reduce((sum, each) => sum + sizeOf(each), 1)

/** The tree after an edit. What the edit does not reach stays the very object that it was. */
function edited(tree: Knot, { at, way, to }: Edit): Knot {
  let left = at % sizeOf(tree)
  const walk = (one: Knot): Knot | null => {
    left -= 1
    if (left !== -1) {
      const below = one.below.map(walk)
      return below.every((each, i) => each === one.below[i])
        ? one
        : { ...one, below: below.filter((each) => each !== null) }
    }
    if (way === 'replace') return to
    if (way === 'remove') return null
    if (way === 'text') return { ...one, text: to.text }
    if (way === 'look') return one.kind === to.kind ? { ...one, look: to.look } : one
    return one.kind === 'box' ? { ...one, below: [...one.below, to] } : one
  }
  return walk(tree) ?? { kind: 'box', text: '', look: {}, below: [] }
}

/** React leaves a part alone when it is handed the same element again, as it does below a memo. */
const remembered = new WeakMap<Ink, WeakMap<Knot, Map<number, ReactNode>>>()

function element(ink: Ink, tree: Knot, key: number): ReactNode {
  const byTree = remembered.get(ink) ?? new WeakMap<Knot, Map<number, ReactNode>>()
  remembered.set(ink, byTree)
  const byKey = byTree.get(tree) ?? new Map<number, ReactNode>()
  byTree.set(tree, byKey)
  const made = byKey.get(key) ?? newElement(ink, tree, key)
  byKey.set(key, made)
  return made
}

function newElement(ink: Ink, tree: Knot, key: number): ReactNode {
  const { Box, Text, Transform } = ink
  if (tree.kind === 'box')
    return createElement(
      Box,
      { key, ...tree.look },
      tree.below.map((each, i) => element(ink, each, i)),
    )
  const text = createElement(Text, { key, ...tree.look }, tree.text)
  return tree.kind === 'text'
    ? text
    : // biome-ignore lint/correctness/noChildrenProp: its type asks for one
      createElement(Transform, { key, transform: (line) => `<${line}>`, children: null }, text)
}

/** What a tree looks like after each of its edits. */
async function frames(ink: Ink, trees: readonly Knot[]): Promise<string[]> {
  const stdout = Object.assign(new PassThrough(), { columns: 40, rows: 20, isTTY: true })
  let last = ''
  stdout.on('data', (chunk: Buffer) => {
    last = chunk.toString('utf8')
  })
  const page = (tree: Knot) =>
    createElement(ink.Box, { width: 40, height: 12, overflow: 'hidden' }, element(ink, tree, 0))
  const first = trees[0]
  if (first === undefined) return []
  const app = ink.render(page(first), {
    stdout: stdout as unknown as NodeJS.WriteStream,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  })
  const seen: string[] = []
  for (const tree of trees) {
    app.rerender(page(tree))
    await app.waitUntilRenderFlush()
    seen.push(last)
  }
  app.unmount()
  return seen
}

describe('Ink that repeats what nobody changed', () => {
  it('shows what stock Ink shows, edit after edit', async () => {
    await fc.assert(
      fc.asyncProperty(knot, fc.array(edit, { minLength: 1, maxLength: 6 }), async (tree, edits) => {
        const trees = [tree]
        for (const each of edits) trees.push(edited(trees.at(-1) ?? tree, each))
        expect(await frames(faster, trees)).toEqual(await frames(stockInk, trees))
      }),
      // Always the same trees: with some others stock Ink itself runs out of memory.
      { numRuns: 600, seed: 1, endOnFailure: true },
    )
    // Some thousand whole frames, twice: minutes where many other things run.
  }, 240_000)

  it('walks only to what was touched', () => {
    const place = {
      getComputedLeft: () => 0,
      getComputedTop: () => 0,
      getComputedWidth: () => 9,
      getComputedHeight: () => 1,
    }
    const parent = { nodeName: 'ink-box', yogaNode: place }
    const child = { nodeName: 'ink-text', parentNode: parent, yogaNode: place }
    let walks = 0
    const frame = () => {
      const output = new FrameOutput({ width: 9, height: 1 })
      drawKept(parent, output, {}, () =>
        drawKept(child, output, {}, () => {
          walks += 1
          output.write(0, 0, `walk ${walks}`, { transformers: [] })
        }),
      )
      return output.get().output
    }
    expect([frame(), frame()]).toEqual(['walk 1', 'walk 1'])
    touch(child)
    expect(frame()).toBe('walk 2')
  })

  it('refuses a file that is not the one it was made for', () => {
    for (const name of changedInkFiles as string[])
      expect(() => changedInk(name, 'export default class Output {}', root)).toThrow(/no longer holds/)
  })
})
