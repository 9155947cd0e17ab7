import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkStructure } from '../../src/artifact/structure/check.ts'
import type { StructureReport } from '../../src/artifact/structure/kit.ts'
import type { ArtifactKind } from '../../src/spec/schema.ts'
import {
  build,
  checkedKinds,
  gguf,
  hdf5,
  npy,
  onnx,
  parquet,
  randomFrom,
  safetensors,
  sqlite,
  tar,
  torch,
  zip,
} from './build.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-structure-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Judges bytes in memory; SQLite, whose library wants a path, gets a real file. */
async function judge(
  kind: ArtifactKind,
  bytes: Uint8Array,
  sibling?: (name: string) => Promise<{ bytes: number } | null>,
): Promise<StructureReport> {
  const path = join(folder, 'artifact')
  if (kind === 'sqlite') writeFileSync(path, bytes)
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return checkStructure(
    kind,
    { path, bytes: bytes.length, read, ...(sibling && { sibling }) },
    AbortSignal.timeout(60_000),
  )
}

const broken = async (kind: ArtifactKind, bytes: Uint8Array) => {
  const report = await judge(kind, bytes)
  expect(report.level, `${kind}: ${report.reason ?? report.checks.join('; ')}`).toBe('broken')
  expect(report.reason).toBeTruthy()
}
const whole = async (kind: ArtifactKind, bytes: Uint8Array, checksums: StructureReport['checksums']) => {
  const report = await judge(kind, bytes)
  expect(report, kind).toMatchObject({ level: 'whole', checksums })
  expect(report.checks.length).toBeGreaterThan(0)
}
const edited = (bytes: Uint8Array, at: number, patch: Uint8Array | string) => {
  const copy = Buffer.from(bytes)
  copy.set(typeof patch === 'string' ? Buffer.from(patch) : patch, at < 0 ? copy.length + at : at)
  return copy
}
const big = (n: bigint) => Buffer.from(BigUint64Array.of(n).buffer)

describe('whole files', () => {
  const sums: Partial<Record<ArtifactKind, StructureReport['checksums']>> = {
    npz: 'all',
    torch: 'all',
    gzip: 'all',
    tar: 'some',
    hdf5: 'some',
  }
  it.each(checkedKinds)('%s is whole', async (kind) => {
    await whole(kind, build(kind, 7), sums[kind] ?? 'none')
  })
  it.each(checkedKinds)('%s is broken when empty', async (kind) => broken(kind, new Uint8Array(0)))
  it.each(checkedKinds)('%s is broken when cut anywhere', async (kind) => {
    const bytes = build(kind, 3)
    const random = randomFrom(11)
    for (let i = 0; i < 8; i += 1) {
      let at = 1 + Math.floor(random() * (bytes.length - 2))
      // A cut at a line border leaves a shorter whole file: only the hash and the roster can tell.
      if (kind === 'jsonl' || kind === 'csv') while (bytes[at - 1] === 0x0a) at -= 1
      await broken(kind, bytes.subarray(0, at))
    }
    await broken(kind, bytes.subarray(0, bytes.length - 1))
  })
  it('says of an undeclared format that only size and hash are known', async () => {
    expect(await judge('other', Buffer.from('abc'))).toMatchObject({ level: 'not-checkable', checksums: 'none' })
  })
  it('says so when the file cannot be read', async () => {
    const read = async () => {
      throw new Error('EIO')
    }
    const report = await checkStructure('json', { path: '/x', bytes: 4, read }, AbortSignal.timeout(5000))
    expect(report).toMatchObject({ level: 'not-checkable', reason: 'cannot be read: EIO' })
  })
  it('stops on abort', async () => {
    const read = async (_: number, length: number) => new Uint8Array(length)
    const stopped = checkStructure('gzip', { path: '/x', bytes: 4, read }, AbortSignal.abort())
    await expect(stopped).rejects.toThrow()
  })
})

describe('hostile bytes', () => {
  it('never throws and never calls noise whole', async () => {
    const kind = fc.constantFrom(...checkedKinds.filter((k) => k !== 'sqlite' && k !== 'json'))
    await fc.assert(
      fc.asyncProperty(kind, fc.uint8Array({ maxLength: 3000 }), async (k, bytes) => {
        const report = await judge(k, bytes)
        return k === 'jsonl' || k === 'csv' || report.level !== 'whole'
      }),
      { numRuns: 600 },
    )
  })
  it('never throws on a valid file with wild edits', async () => {
    const files = new Map(checkedKinds.map((k) => [k, build(k, 1)]))
    const kind = fc.constantFrom(...checkedKinds.filter((k) => k !== 'sqlite'))
    const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.uint8Array({ maxLength: 9 })), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(kind, fc.boolean(), edits, async (k, isNearHead, list) => {
        const bytes = Buffer.from(files.get(k) as Uint8Array)
        for (const [where, patch] of list) {
          const range = isNearHead ? Math.min(400, bytes.length) : bytes.length
          bytes.set(patch.subarray(0, 1), Math.floor(where * (range - 10)))
          bytes.set(patch, Math.floor(where * (range - 10)))
        }
        const report = await judge(k, bytes)
        return ['whole', 'broken', 'not-checkable'].includes(report.level)
      }),
      { numRuns: 800 },
    )
  })
})

describe('json, jsonl, csv', () => {
  it.each(['{"a":1}', ' [1, -0.5e+3, "\\u00e9", true, null]\n', '0', '"x"', '[]', '{}', '[{"a":{}}]'])(
    'agrees with JSON.parse on %s',
    (text) => whole('json', Buffer.from(text), 'none'),
  )
  it.each([
    '{"a":1',
    '[1,]',
    '{"a":}',
    '{,}',
    '01',
    '1.',
    '-',
    '[1] 2',
    '{"a" 1}',
    'tru',
    '"a\nb"',
    '"\\x"',
    '"\\u12g4"',
    '[}',
    '\u0000',
    '1e',
  ])('refuses %j', (text) => broken('json', Buffer.from(text)))
  it('agrees with JSON.parse on any value, in any cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.nat(), async (text, n) => {
        const bytes = Buffer.from(text)
        if ((await judge('json', bytes)).level !== 'whole') return false
        const part = bytes.subarray(0, n % bytes.length)
        let parses = true
        try {
          JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(part))
        } catch {
          parses = false
        }
        return ((await judge('json', part)).level === 'whole') === parses
      }),
      { numRuns: 400 },
    )
  })
  it('accepts the bare NaN that Python writes, and counts it', async () => {
    const report = await judge('json', Buffer.from('{"loss": NaN, "x": [Infinity, -Infinity]}'))
    expect(report.level).toBe('whole')
    expect(report.checks.join()).toContain('3 NaN')
  })
  it('caps nesting', () => broken('json', Buffer.from('['.repeat(100_000))))
  it('refuses bytes that are not UTF-8', () => broken('json', Buffer.from([0x22, 0xff, 0x22])))
  it('wants a newline after the last line', async () => {
    await whole('jsonl', Buffer.from('{"a":1}\n{"a":2}\n'), 'none')
    await broken('jsonl', Buffer.from('{"a":1}\n{"a":2}'))
    await broken('jsonl', Buffer.from('{"a":\n'))
    await broken('jsonl', Buffer.from('{"a":1}\n{"a"}\n'))
    for (const torn of ['{"a":', '{"a', '["x", 1.', 'tr', '"\\'])
      expect((await judge('jsonl', Buffer.from(`{"a":1}\n${torn}\n{"a":2}\n`))).checks.join()).toContain('1 torn')
  })
  it('wants rows of equal width and closed quotes', async () => {
    await whole('csv', Buffer.from('a;b\n1;"x;\n""y"\n'), 'none')
    await broken('csv', Buffer.from('a,b\n1\n'))
    await broken('csv', Buffer.from('a,b\n1,"x\n'))
    await broken('csv', Buffer.from('a,b\n1,\u0000\n'))
  })
})

describe('zip family', () => {
  it('finds every single flipped bit of content', async () => {
    const random = randomFrom(5)
    for (const kind of ['torch', 'npz', 'gzip'] as const) {
      const bytes = build(kind, 2)
      for (let i = 0; i < 40; i += 1) {
        // Inside the content of members; a few header bytes ("version needed") mean nothing to any reader.
        const at = 300 + Math.floor(random() * (bytes.length * 0.7 - 300))
        await broken(kind, edited(bytes, at, [(bytes[at] as number) ^ (1 << Math.floor(random() * 8))] as never))
      }
    }
  })
  it('says so when PyTorch wrote no sums', async () => {
    const report = await judge('torch', torch(1, 0))
    expect(report).toMatchObject({ level: 'whole', checksums: 'none' })
    expect(report.checks.join()).toContain('no internal checksum')
  })
  it('refuses zip64 lies, overlaps, holes, double names and lying directories', async () => {
    const bytes = Buffer.from(torch(1))
    await broken('torch', edited(bytes, -22 - 20 + 8, big(2n ** 63n)))
    await broken('torch', edited(bytes, -22 - 20 - 56 + 48, big(5n)))
    const twice = zip([
      { name: 'a/version', data: Buffer.from('3') },
      { name: 'a/version', data: Buffer.from('3') },
    ])
    await broken('torch', twice)
    const central = bytes.indexOf(Buffer.from('PK\u0001\u0002'))
    await broken('torch', edited(bytes, central + 42, Buffer.from([9, 0, 0, 0])))
    await broken('torch', edited(bytes, central + 24, Buffer.from([0xff, 0xff, 0, 0])))
    await broken('npz', zip([{ name: 'x.txt', data: Buffer.from('3') }]))
    await broken('torch', zip([{ name: 'a/b', data: Buffer.from('3') }]))
  })
  it('never loads a bare pickle', async () => {
    const report = await judge('torch', Buffer.from('\u0080\u0002}q\u0000.', 'latin1'))
    expect(report.level).toBe('not-checkable')
  })
  it('finds what was appended to gzip', async () => {
    const bytes = gzipSync(Buffer.alloc(5000))
    await broken('gzip', Buffer.concat([bytes, Buffer.alloc(512)]))
    await broken('gzip', edited(bytes, -1, Buffer.from([1])))
    await broken('gzip', edited(bytes, -8, Buffer.from([1, 2, 3, 4])))
  })
  it('holds a deflate bomb in bounded memory', async () => {
    const bomb = zip([{ name: 'x.npy', data: npy(1), deflate: true }])
    const central = Buffer.from(bomb).indexOf(Buffer.from('PK\u0001\u0002'))
    await broken('npz', edited(edited(bomb, central + 24, Buffer.from([1, 0, 0, 0])), 22, Buffer.from([1, 0, 0, 0])))
  })
})

describe('tensors', () => {
  const header = (from: number, to: number, extra = '') =>
    `{"a":{"dtype":"F32","shape":[16000],"data_offsets":[${from},${to}]}${extra}}`
  it('safetensors: holes, overlaps, double keys, lengths that lie', async () => {
    await whole('safetensors', safetensors(1, header(0, 64_000)), 'none')
    await broken('safetensors', safetensors(1, header(4, 64_004)))
    await broken('safetensors', safetensors(1, header(0, 64_004)))
    await broken(
      'safetensors',
      safetensors(1, header(0, 64_000, ',"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}')),
    )
    await broken('safetensors', safetensors(1, '[]'))
    await broken('safetensors', edited(safetensors(1), 0, big(2n ** 63n)))
    await broken('safetensors', edited(safetensors(1), 0, big(100_000_001n)))
    await broken('safetensors', safetensors(1, `{"a":${'['.repeat(5000)}`))
    const odd = await judge('safetensors', safetensors(1, header(0, 64_000).replace('F32', 'X9')))
    expect(odd.level).toBe('not-checkable')
  })
  it('npy: shape times item size', async () => {
    await broken('npy', edited(npy(1), 6, Buffer.from([1, 0, 0xff, 0xff])))
    await broken('npy', Buffer.from(Buffer.from(npy(1)).toString('latin1').replace('(5000, 4)', '(5001, 4)'), 'latin1'))
    const objects = Buffer.from(Buffer.from(npy(1)).toString('latin1').replace("'<f4'", "'|O' "), 'latin1')
    expect((await judge('npy', objects)).level).toBe('not-checkable')
    const record = "[('a', '<f4'), ('b', '<U1', (2,))]"
    const head = `{'descr': ${record}, 'fortran_order': False, 'shape': (3,), }`
    const padded = `${head.padEnd(117)}\n`
    const file = Buffer.concat([
      Buffer.from([0x93]),
      Buffer.from('NUMPY'),
      Buffer.from([1, 0, padded.length, 0]),
      Buffer.from(padded),
      Buffer.alloc(36),
    ])
    await whole('npy', file, 'none')
    await broken('npy', file.subarray(0, -1))
  })
  it('gguf: counts, alignment, overlap, end', async () => {
    await broken('gguf', edited(gguf(1), 8, big(2n ** 62n)))
    await broken('gguf', edited(gguf(1), 16, big(9_000_000n)))
    await broken('gguf', Buffer.concat([gguf(1), Buffer.alloc(64)]))
    const at = Buffer.from(gguf(1)).indexOf('b.weight') + 8 + 4 + 16 + 4
    await broken('gguf', edited(gguf(1), at, big(32n)))
    await broken('gguf', edited(gguf(1), at, big(36_004n)))
  })
  it('onnx: wire, weights, external files', async () => {
    await broken('onnx', Buffer.concat([onnx(1), Buffer.from([0])]))
    await broken('onnx', Buffer.concat([onnx(1), Buffer.from([0x0f])]))
    const bytes = onnx(1, 'w.bin')
    expect((await judge('onnx', bytes)).level).toBe('not-checkable')
    expect((await judge('onnx', bytes, async () => ({ bytes: 400 }))).level).toBe('whole')
    expect((await judge('onnx', bytes, async () => ({ bytes: 399 }))).level).toBe('broken')
    expect((await judge('onnx', bytes, async () => null)).level).toBe('broken')
  })
})

describe('tables and archives', () => {
  it('parquet: page sums when written, footer, ranges', async () => {
    await whole('parquet', parquet(1, { sums: true }), 'all')
    const bytes = parquet(1, { sums: true })
    await broken('parquet', edited(bytes, 5000, [(bytes[5000] as number) ^ 4] as never))
    await broken('parquet', edited(parquet(1), -8, Buffer.from([0xff, 0xff, 0xff, 0x7f])))
    await broken('parquet', edited(parquet(1), -8, Buffer.from([1, 0, 0, 0])))
    expect((await judge('parquet', edited(parquet(1), -4, 'PARE'))).level).toBe('not-checkable')
  })
  it('hdf5: old and new superblocks, user block', async () => {
    await whole('hdf5', hdf5(1, 0), 'none')
    await broken('hdf5', hdf5(1, 0).subarray(0, -4096))
    await broken('hdf5', edited(hdf5(1), 28, big(9n)))
    await broken('hdf5', Buffer.concat([hdf5(1), Buffer.alloc(4)]))
  })
  it('tar: sums, sizes, closing blocks', async () => {
    const bytes = tar(1)
    await broken('tar', edited(bytes, 512, 'x'))
    await broken('tar', bytes.subarray(0, 512 * 74))
    await broken('tar', edited(bytes, -10, 'x'))
    await broken('tar', Buffer.alloc(10_240))
  })
  it('sqlite: a damaged page is found', async () => {
    const bytes = sqlite(1)
    await broken('sqlite', edited(bytes, 5 * 1024, Buffer.alloc(1024)))
    await broken('sqlite', edited(bytes, 16, Buffer.from([3, 3])))
    await broken('sqlite', Buffer.concat([bytes, Buffer.alloc(1024)]))
  })
})
