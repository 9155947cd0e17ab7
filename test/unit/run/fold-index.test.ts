import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { cellIdOf, cellWith, endStateOf, IndexedCell } from '../../../src/run/cell-record.ts'
import { foldRecords } from '../../../src/run/fold.ts'
import { foldIndexName, isIndexWorth, readFoldIndex, writeFoldIndex } from '../../../src/run/fold-index.ts'
import { openRun } from '../../../src/run/handle.ts'
import { readEach } from '../../../src/run/journal.ts'
import { encodeLine, JournalCursor, noPrevious, sha256Hex } from '../../../src/run/journal-line.ts'
import { readRunState } from '../../../src/run/reader.ts'
import type { JournalKind, RunState } from '../../../src/run/types.ts'
import { currentRunId } from '../../../src/session/current-run.ts'
import { watchRun } from '../../../src/session/run-watch.ts'
import { waitUntil } from '../../harness/wait.ts'
import { newRun, temporaryFolder } from './support.ts'

const key = 'the fold of this test'
const never = new AbortController().signal

interface Op {
  readonly kind: string
  readonly payload: unknown
  readonly fence: number
}

/** Bytes of a whole journal that begins with a run. */
function journalOf(ops: readonly Op[]): readonly Uint8Array[] {
  const created = { runId: 'r', project: 'p', projectFolder: '/p', planName: 'n', planSha256: '', by: 'ada' }
  let previous = noPrevious
  return [{ kind: 'run.created', payload: created, fence: 1 }, ...ops].map(({ kind, payload, fence }, i) => {
    const atMs = 1_000_000 + i
    const line = encodeLine({ v: 1, sequence: i + 1, fence, previous, atMs, kind: kind as JournalKind, payload })
    previous = sha256Hex(line.subarray(0, -1))
    return line
  })
}

const id = fc.constantFrom('01A', '01B', '01C', '01D', '01E')
const proofId = fc.constantFrom('p1', 'p2', 'p3')
/** A key of the name `__proto__` in a cell is not put into an index: see below. */
const odd = fc.dictionary(
  fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 },
)
const op = (kind: JournalKind | string, payload: fc.Arbitrary<unknown>) =>
  fc.record({ kind: fc.constant(kind), payload, fence: fc.constantFrom(1, 1, 1, 2) })
const proof = (kind: string) =>
  fc
    .record({ id: proofId, items: fc.constantFrom([], [{ id: 'item' }]) })
    .map((more) => ({ kind, phase: 'plan', atMs: 1, boundTo: {}, needs: [], ...more }))
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  {
    arbitrary: op(
      'cell.started',
      fc.tuple(id, odd, fc.string({ unit: 'grapheme' })).map(([cellId, more, title]) => ({
        ...more,
        ...{ cellId, name: 'audit.run', title, host: title.length > 3 ? { host: title } : null },
      })),
    ),
    weight: 4,
  },
  {
    arbitrary: op(
      'cell.ended',
      fc.tuple(id, odd).map(([cellId, more]) => ({ ...more, cellId, state: 'done', summary: 'fine' })),
    ),
    weight: 4,
  },
  op(
    'cell.process',
    fc.record({ cellId: id, host: fc.constant('h'), pgid: fc.nat(), startTicks: fc.nat(), bootId: fc.constant('b') }),
  ),
  op('cell.noted', fc.record({ cellId: fc.option(id), text: fc.string(), by: fc.constant('ada') })),
  op('cell.marked', fc.record({ cellId: id, isMarked: fc.boolean(), by: fc.constant('ada') })),
  op('proof.made', fc.constantFrom('PlanDigest', 'AuditReport').chain(proof)),
  op(
    'override.given',
    fc.record({ itemId: fc.constantFrom('item', '__proto__'), reason: fc.string(), by: fc.string(), atMs: fc.nat() }),
  ),
  op('override.withdrawn', fc.record({ itemId: fc.constant('item'), by: fc.string() })),
  op('observation', fc.jsonValue()),
  op('note', fc.record({ text: fc.string() })),
  op('of.another.kx', fc.jsonValue()),
)

interface Read {
  readonly cursor: JournalCursor
  readonly state: RunState | null
}

function readOnFrom(fd: number, from: Read): Read {
  let { state } = from
  readEach(fd, from.cursor, (records) => {
    state = foldRecords(state, records)
  })
  return { cursor: from.cursor, state }
}

function withJournal<T>(folder: string, work: (fd: number) => T): T {
  const fd = openSync(join(folder, 'journal.jsonl'), 'r')
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

const readWhole = (folder: string): Read =>
  withJournal(folder, (fd) => readOnFrom(fd, { cursor: new JournalCursor(true), state: null }))

/** As kx does: from the index as far as it goes. */
function readShort(folder: string, withKey = key): Read & { readonly isIndexed: boolean } {
  return withJournal(folder, (fd) => {
    const known = readFoldIndex(folder, fd, withKey)
    return { ...readOnFrom(fd, known ?? { cursor: new JournalCursor(true), state: null }), isIndexed: known !== null }
  })
}

/** Everything that can be told of a reading: every cell taken out of its getters, and which proofs are the newest. */
function told({ cursor, state }: Read) {
  const newest = Object.entries(state?.latest ?? {}).map(([kind, made]) => [kind, state?.proofs.indexOf(made)])
  const ids = state?.cells.map((cell) => [cellIdOf(cell), endStateOf(cell)])
  const cells = state?.cells.map((cell) => cellWith(cell, {}))
  return { ...cursor, whole: cursor.wholeSha256(), state: { ...state, cells }, newest, ids }
}

async function indexAt(folder: string): Promise<void> {
  const { cursor, state } = readWhole(folder)
  const inode = statSync(join(folder, 'journal.jsonl')).ino
  if (state === null) throw new Error('no run')
  expect(await writeFoldIndex(folder, { inode, cursor, state, changedAtMs: 1 }, never, key)).toBe(cursor.offset)
}

/** A journal of so many records, indexed up to one of them, in a folder of its own. */
async function indexed(ops: readonly Op[], at: number) {
  const folder = temporaryFolder()
  const lines = journalOf(ops)
  const path = join(folder, 'journal.jsonl')
  writeFileSync(path, Buffer.concat(lines.slice(0, at + 1)))
  await indexAt(folder)
  // The rest is appended: the file stays the one that it is.
  writeFileSync(path, Buffer.concat(lines.slice(at + 1)), { flag: 'a' })
  return { folder, path, index: join(folder, foldIndexName), covered: Buffer.concat(lines.slice(0, at + 1)).length }
}

const opsAndPlace = fc
  .array(anyOp, { minLength: 1, maxLength: 25 })
  .chain((ops) => fc.tuple(fc.constant(ops), fc.nat(ops.length)))

const sample: readonly Op[] = ['01A', '01B', '01C'].flatMap((cellId) => [
  { kind: 'cell.started', payload: { cellId, name: 'audit.run', title: 'Audit' }, fence: 1 },
  { kind: 'cell.ended', payload: { cellId, state: 'failed', summary: 'no' }, fence: 1 },
])

describe('index of a fold', () => {
  it('with the records after it is the fold of all records (property)', async () => {
    await fc.assert(
      fc.asyncProperty(opsAndPlace, async ([ops, at]) => {
        const { folder } = await indexed(ops, at)
        const short = readShort(folder)
        expect(short.isIndexed).toBe(true)
        expect(told(short)).toStrictEqual(told(readWhole(folder)))
      }),
      { numRuns: 60 },
    )
  })

  it('is refused, or changes nothing, whatever became of the journal (property)', async () => {
    const change = fc.oneof(
      fc.record({ how: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ how: fc.constant('flip' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ how: fc.constant('replace' as const), at: fc.constant(0) }),
    )
    await fc.assert(
      fc.asyncProperty(opsAndPlace, change, async ([ops, place], { how, at }) => {
        const { folder, path, covered } = await indexed(ops, place)
        const bytes = readFileSync(path)
        const target = Math.min(bytes.length - 1, Math.floor(at * bytes.length))
        if (how === 'cut') writeFileSync(path, bytes.subarray(0, target))
        if (how === 'flip') {
          bytes[target] = (bytes[target] ?? 0) ^ 1
          writeFileSync(path, bytes)
        }
        if (how === 'replace') {
          copyFileSync(path, `${path}.new`)
          renameSync(`${path}.new`, path)
        }
        const short = readShort(folder)
        expect(told(short)).toStrictEqual(told(readWhole(folder)))
        if (how === 'replace' || target < covered) expect(short.isIndexed).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('is refused with any byte changed, cut anywhere, and when another fold made it', async () => {
    const { folder, index } = await indexed(sample, 4)
    const whole = readFileSync(index)
    expect(readShort(folder).isIndexed).toBe(true)
    expect(readShort(folder, 'another fold').isIndexed).toBe(false)
    for (let at = 0; at < whole.length; at += 7) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ (1 + (at % 255))
      writeFileSync(index, flipped)
      expect(readShort(folder).isIndexed).toBe(false)
      writeFileSync(index, whole.subarray(0, at))
      expect(readShort(folder).isIndexed).toBe(false)
    }
    writeFileSync(index, whole)
    expect(readShort(folder).isIndexed).toBe(true)
  })

  it('is not made of a journal whose chain broke, nor where nothing is gained', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'journal.jsonl')
    const bytes = Buffer.concat(journalOf(sample))
    writeFileSync(path, bytes.toString().replace('"title":"Audit"', '"title":"audit"'))
    const { cursor, state } = readWhole(folder)
    expect(cursor.chainBreak?.line).toBe(3)
    const inode = statSync(path).ino
    expect(await writeFoldIndex(folder, { inode, cursor, state: state as RunState, changedAtMs: 1 }, never, key)).toBe(
      0,
    )
    expect(existsSync(join(folder, foldIndexName))).toBe(false)
    const named = JSON.parse('{"cellId":"01A","name":"audit.run","title":"x","__proto__":1}') as unknown
    writeFileSync(path, Buffer.concat(journalOf([{ kind: 'cell.started', payload: named, fence: 1 }])))
    const other = { ...readWhole(folder), inode, changedAtMs: 1 }
    expect(await writeFoldIndex(folder, { ...other, state: other.state as RunState }, never, key)).toBe(0)
    const at = (offset: number) => Object.assign(new JournalCursor(), { offset })
    expect(isIndexWorth(at(500_000), 0)).toBe(false)
    expect(isIndexWorth(at(2_000_000), 0)).toBe(true)
    expect(isIndexWorth(at(20_000_000), 19_000_000)).toBe(false)
    expect(isIndexWorth(at(20_000_000), 15_000_000)).toBe(true)
    expect(isIndexWorth(Object.assign(at(20_000_000), { chainBreak: { line: 1, why: '' } }), 0)).toBe(false)
  })
})

describe('index of a run', () => {
  const asBuilt = globalThis as { __kxFold?: string }
  afterEach(() => {
    delete asBuilt.__kxFold
  })

  it('is made by who looks at a long journal, and taken by every later reader and writer', async () => {
    asBuilt.__kxFold = key
    const { run, options, projectFolder } = await newRun()
    await run.append('cell.started', { cellId: '01A', name: 'audit.run', title: 'Audit' })
    const text = 'x'.repeat(600_000)
    await run.append('note', { text })
    await run.append('note', { text })
    await run.close()
    const index = join(run.folder, foldIndexName)
    const first = watchRun(run.folder, () => {})
    await waitUntil(() => existsSync(index), { what: 'an index beside the journal' })
    first.close()
    expect(statSync(index).mode & 0o777).toBe(0o600)
    const again = await openRun(run.folder, options)
    expect(again.state().cells[0]).toBeInstanceOf(IndexedCell)
    await again.append('note', { text: 'after the index' })
    expect(again.state().notes).toHaveLength(3)
    await again.close()
    expect(currentRunId(projectFolder, 0)).toBe(run.id)
    const second = watchRun(run.folder, () => {})
    expect(second.state()?.cells[0]).toBeInstanceOf(IndexedCell)
    const { cells = [], ...state } = second.state() ?? {}
    expect({ ...state, cells: cells.map((cell) => cellWith(cell, {})) }).toStrictEqual(readWhole(run.folder).state)
    expect(second.broken()).toBeNull()
    expect(second.read()).toBe(false)
    second.close()
    // Edited where the index speaks for it: the lines are read, and the break is seen.
    const path = join(run.folder, 'journal.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace('xxxx', 'xxyx'))
    const third = watchRun(run.folder, () => {})
    expect(third.broken()?.line).toBe(4)
    third.close()
    const refused = await openRun(run.folder, options)
    expect(refused.suspect()).toMatch(/line 4 does not follow/)
    await refused.close()
    expect(readRunState(run.folder)?.notes).toHaveLength(3)
  })
})
