import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/compare/digest.ts'
import { textLines } from '../../../src/compare/views/text-lines.ts'
import { type TextSide, textsOf } from '../../../src/compare/views/texts.ts'
import { Columns } from '../../../src/reader/columns.ts'
import { readRunText, textsOfRun } from '../../../src/reader/run-texts.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'

const many = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `line ${from + at}`)
/** Both texts again, from what is shown; a count of equal lines stands for so many of them. */
function rebuilt(before: string, after: string) {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const [left, right]: [string[], string[]] = [[], []]
  for (const { kind, pieces } of textLines(before, after)) {
    if (kind === 'cut') {
      const count = Number.parseInt(pieces[0]?.text ?? '', 10)
      left.push(...a.slice(left.length, left.length + count))
      right.push(...b.slice(right.length, right.length + count))
      continue
    }
    const side = (without: string) =>
      pieces
        .filter((piece) => piece.kind !== without)
        .map(({ text }) => text)
        .join('')
    if (kind !== 'added') left.push(side('added'))
    if (kind !== 'removed') right.push(side('removed'))
  }
  return [left.join('\n'), right.join('\n')]
}

describe('two texts, line by line', () => {
  it('mark the words of a changed line, and count equal lines far from it', () => {
    const before = [...many(50), 'lr = 0.001', ...many(50, 50)].join('\n')
    const lines = textLines(before, before.replace('0.001', '0.01'))
    expect(lines.map(({ kind }) => kind)).toEqual([
      ...['cut', 'same', 'same', 'same', 'changed', 'same', 'same', 'same', 'cut'],
    ])
    expect(lines[0]?.pieces[0]?.text).toBe('47 equal lines')
    expect(lines[4]).toEqual({
      kind: 'changed',
      a: 51,
      b: 51,
      pieces: [
        { kind: 'same', text: 'lr = ' },
        { kind: 'removed', text: '0.001' },
        { kind: 'added', text: '0.01' },
      ],
    })
  })

  it('take a line that hardly stayed for another one, and pair those that did', () => {
    const kinds = textLines('    return loss', '    clip(model, 1)\n    return loss.item()').map(({ kind, a, b }) => [
      kind,
      a,
      b,
    ])
    expect(kinds).toEqual([
      ['added', null, 1],
      ['changed', 1, 2],
    ])
    expect(textLines('alpha beta', 'x y z').map(({ kind }) => kind)).toEqual(['removed', 'added'])
  })

  it('find a line that was put in among twenty thousand', () => {
    const all = many(20_000)
    const lines = textLines(all.join('\n'), [...all.slice(0, 12_345), 'new', ...all.slice(12_345)].join('\n'))
    expect(lines.filter(({ kind }) => kind !== 'same' && kind !== 'cut')).toMatchObject([{ kind: 'added', b: 12_346 }])
  })

  it('of one text have no change, and both come out again whatever they are', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b b', 'c c c', '', 'd = 1'), { minLength: 1, maxLength: 40 })
      .map((each) => each.join('\n'))
    fc.assert(
      fc.property(text, text, (before, after) => {
        // A line end at the end of a text is no line of its own.
        const trimmed = (each: string) => each.replace(/\n$/, '')
        expect(rebuilt(before, after)).toEqual([trimmed(before), trimmed(after)])
        expect(textLines(before, before).every(({ kind }) => kind === 'same' || kind === 'cut')).toBe(true)
      }),
    )
  })
})

const undo: string[] = []
afterEach(() => {
  for (const folder of undo.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Two runs as W&B keeps them, with files beside their figures. */
async function sides(files: readonly Readonly<Record<string, string>>[]): Promise<readonly TextSide[]> {
  const root = mkdtempSync(join(tmpdir(), 'kx-run-texts-'))
  undo.push(root)
  const names = files.map((_, at) => `run${at}`)
  writeTracked(
    root,
    names.map((name, at) => ({ name, config: { lr: at, depth: 4 }, curves: { loss: [1] } })),
  )
  for (const [at, each] of files.entries())
    for (const [name, text] of Object.entries(each)) {
      const path = join(root, `offline-run-20260101_000000-run${at}`, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
  const { runs } = await scan(localFolder(root))
  return Promise.all(
    runs.map(async (run, at): Promise<TextSide> => {
      const columns = new Columns()
      const reader = run.open()
      await reader.advance(columns)
      await reader.close()
      const texts = await textsOfRun(run)
      return {
        name: names[at] as string,
        format: run.format,
        digest: digestOf(columns),
        files: texts.map(({ name }) => name),
        read: async (name) => {
          const path = texts.find((each) => each.name === name)?.path
          return path === undefined || run.folder === undefined ? null : readRunText(run.folder, path)
        },
      }
    }),
  )
}

describe('texts of two runs', () => {
  it('are the settings, and what each left beside its figures, code first and logs last', async () => {
    const [a, b] = await sides([
      {
        'files/code/train.py': 'lr = 1\n',
        'files/output.log': 'one\n',
        'files/requirements.txt': 'torch==2.1\n',
        'files/wandb-summary.json': '{}',
      },
      {
        'files/code/train.py': 'lr = 2\n',
        'files/output.log': 'one\ntoken sk-\u001b[31mred\n',
        'files/diff.patch': '+x\n',
      },
    ])
    if (a === undefined || b === undefined) throw new Error('two runs were written')
    const first = await textsOf(a, b, '')
    expect(first.documents).toEqual([
      ...['settings', 'packages', 'code/train.py', 'diff.patch', 'requirements.txt', 'output.log'],
    ])
    expect(first).toMatchObject({ document: 'settings', notes: [], added: 1, removed: 1 })
    expect(first.lines.at(-1)?.pieces).toEqual([
      { kind: 'same', text: 'lr = ' },
      { kind: 'removed', text: '0' },
      { kind: 'added', text: '1' },
    ])
    // What one run alone has is said, and its lines are all new.
    const patch = await textsOf(a, b, 'diff.patch')
    expect(patch.notes).toEqual(['run0 has no diff.patch on record'])
    expect(patch.lines.map(({ kind }) => kind)).toEqual(['added'])
    // Foreign bytes are masked and cleaned before they are compared.
    const log = await textsOf(a, b, 'output.log', (text) => text.replace('sk-', '***'))
    expect(log.lines.at(-1)?.pieces).toEqual([{ kind: 'added', text: 'token ***red' }])
    expect(log.changes).toEqual([1])
  })

  it('say that no code was recorded, and of kx why', async () => {
    const [a, b] = await sides([{}, { 'files/code/x.py': 'x' }])
    if (a === undefined || b === undefined) throw new Error('two runs were written')
    expect((await textsOf(a, b, 'settings')).notes).toEqual(['run0 has no code or patch on record'])
    expect((await textsOf({ ...a, format: 'kx' }, b, 'settings')).notes[0]).toContain('keeps the digest of its code')
  })

  it('of runs that share a database are none', async () => {
    const run = { format: 'mlflow-sqlite', path: 'mlflow.db#1', folder: localFolder('/') } as never
    expect(await textsOfRun(run)).toEqual([])
  })
})
