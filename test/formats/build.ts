import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import { lookup3 } from '../../src/artifact/structure/lookup3.ts'
import type { ArtifactKind } from '../../src/spec/schema.ts'

/** Small valid files of every kind, built by hand so that the tests need no other program. Seeded: same bytes again. */
export type CheckedKind = Exclude<ArtifactKind, 'other'>
export const checkedKinds: readonly CheckedKind[] = [
  'json',
  'jsonl',
  'csv',
  'safetensors',
  'npy',
  'npz',
  'torch',
  'gzip',
  'tar',
  'parquet',
  'hdf5',
  'sqlite',
  'gguf',
  'onnx',
]

/** Mulberry32: enough for test data, the same everywhere. */
export function randomFrom(seed: number): () => number {
  let a = (seed + 0x9e3779b9) >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function floats(count: number, seed: number): Uint8Array {
  const random = randomFrom(seed)
  return new Uint8Array(Float32Array.from({ length: count }, () => random() * 2 - 1).buffer)
}

const u16 = (n: number) => Buffer.from(Uint16Array.of(n).buffer)
const u32 = (n: number) => Buffer.from(Uint32Array.of(n).buffer)
const u64 = (n: number | bigint) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer)
const concat = (...parts: readonly (Uint8Array | string)[]) =>
  Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)))

export function npy(seed: number, count = 20_000): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count / 4}, 4), }`
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`
  return concat(Buffer.from([0x93]), 'NUMPY', Buffer.from([1, 0]), u16(padded.length), padded, floats(count, seed))
}

export interface ZipInput {
  readonly name: string
  readonly data: Uint8Array
  readonly deflate?: boolean
  readonly descriptor?: boolean
  readonly crc?: number
}

/** A zip; `zip64` writes the zip64 end record and locator beside the plain one, as PyTorch does for large files. */
export function zip(inputs: readonly ZipInput[], options: { zip64?: boolean } = {}): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const input of inputs) {
    const stored = input.deflate ? deflateRawSync(input.data) : input.data
    const crc = input.crc ?? crc32(input.data)
    const flags = input.descriptor ? 8 : 0
    const method = input.deflate ? 8 : 0
    const sizes = concat(u32(crc), u32(stored.length), u32(input.data.length))
    const local = input.descriptor ? Buffer.alloc(12) : sizes
    const head = concat(
      u32(0x04034b50),
      u16(20),
      u16(flags),
      u16(method),
      u32(0),
      local,
      u16(input.name.length),
      u16(0),
    )
    const tail = input.descriptor ? concat(u32(0x08074b50), sizes) : Buffer.alloc(0)
    const member = concat(head, input.name, stored, tail)
    directory.push(
      concat(
        u32(0x02014b50),
        u16(20),
        u16(20),
        u16(flags),
        u16(method),
        u32(0),
        sizes,
        u16(input.name.length),
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(at),
        input.name,
      ),
    )
    parts.push(member)
    at += member.length
  }
  const central = concat(...directory)
  const count = inputs.length
  const big = concat(
    u32(0x06064b50),
    u64(44),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    u64(count),
    u64(count),
    u64(central.length),
    u64(at),
    u32(0x07064b50),
    u32(0),
    u64(at + central.length),
    u32(1),
  )
  const end = concat(
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(count),
    u16(count),
    u32(central.length),
    u32(options.zip64 ? 0xffffffff : at),
    u16(0),
  )
  return concat(...parts, central, options.zip64 ? big : '', end)
}

export function torch(seed: number, crc?: number): Uint8Array {
  const extra = crc === undefined ? {} : { crc }
  return zip(
    [
      { name: 'best/data.pkl', data: Buffer.from('\u0080\u0002}q\u0000.', 'latin1'), ...extra },
      { name: 'best/byteorder', data: Buffer.from('little'), ...extra },
      { name: 'best/data/0', data: floats(16_000, seed), descriptor: true, ...extra },
      { name: 'best/data/1', data: floats(3_000, seed + 1), ...extra },
      { name: 'best/version', data: Buffer.from('3\n'), ...extra },
    ],
    { zip64: true },
  )
}

export function safetensors(seed: number, header?: string): Uint8Array {
  const data = concat(floats(12_000, seed), floats(4_000, seed + 1))
  const text =
    header ??
    JSON.stringify({
      __metadata__: { format: 'pt' },
      'layer.weight': { dtype: 'F32', shape: [120, 100], data_offsets: [0, 48_000] },
      'layer.bias': { dtype: 'F16', shape: [8_000], data_offsets: [48_000, 64_000] },
    })
  return concat(u64(text.length), text, data)
}

function tarHeader(name: string, size: number, type = '0'): Uint8Array {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((a, b) => a + b, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

export function tar(seed: number): Uint8Array {
  const data = floats(9_000, seed)
  const small = Buffer.from(`seed ${seed}\n`)
  const pad = (b: Uint8Array) => concat(b, Buffer.alloc((512 - (b.length % 512)) % 512))
  const members = concat(
    tarHeader('out/', 0, '5'),
    tarHeader('out/a.bin', data.length),
    pad(data),
    tarHeader('out/note', small.length),
    pad(small),
  )
  return concat(members, Buffer.alloc(10_240 - (members.length % 10_240) + 10_240))
}

/** Thrift compact protocol, the few types that Parquet's footer needs. */
const varint = (n: number): Uint8Array => {
  const out: number[] = []
  let left = BigInt(n)
  do {
    out.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0))
    left >>= 7n
  } while (left > 0n)
  return Buffer.from(out)
}
const zigzag = (n: number) => varint(n >= 0 ? n * 2 : -n * 2 - 1)
type Field = readonly [id: number, type: number, bytes: Uint8Array]
const tInt = (id: number, n: number, type = 6): Field => [id, type, zigzag(n)]
const tText = (id: number, s: string): Field => [id, 8, concat(varint(s.length), s)]
const tStruct = (id: number, fields: readonly Field[]): Field => [id, 12, struct(fields)]
const tList = (id: number, type: number, items: readonly Uint8Array[]): Field => [
  id,
  9,
  concat(Buffer.from([(items.length << 4) | type]), ...items),
]
function struct(fields: readonly Field[]): Uint8Array {
  let last = 0
  const parts: Uint8Array[] = []
  for (const [id, type, bytes] of fields) {
    parts.push(Buffer.from([((id - last) << 4) | type]), bytes)
    last = id
  }
  return concat(...parts, Buffer.from([0]))
}

export function parquet(seed: number, options: { sums?: boolean } = {}): Uint8Array {
  const rows = 4_000
  const columns = ['loss', 'accuracy']
  const chunks: Uint8Array[] = []
  const metas: Uint8Array[] = []
  let at = 4
  for (const [i, name] of columns.entries()) {
    const pages = [0, 1].map((p) => {
      const data = floats(rows / 2, seed * 10 + i * 2 + p)
      const sum = options.sums ? [tInt(4, crc32(data) | 0, 5)] : []
      const header = struct([
        tInt(1, 0, 5),
        tInt(2, data.length, 5),
        tInt(3, data.length, 5),
        ...sum,
        tStruct(5, [tInt(1, rows / 2, 5), tInt(2, 0, 5), tInt(3, 3, 5), tInt(4, 3, 5)]),
      ])
      return concat(header, data)
    })
    const chunk = concat(...pages)
    const meta = struct([
      tInt(1, 4, 5),
      tList(2, 5, [zigzag(0)]),
      tList(3, 8, [concat(varint(name.length), name)]),
      tInt(4, 0, 5),
      tInt(5, rows),
      tInt(6, chunk.length),
      tInt(7, chunk.length),
      tInt(9, at),
    ])
    metas.push(struct([tInt(2, at), [3, 12, meta]]))
    chunks.push(chunk)
    at += chunk.length
  }
  const schema = [
    struct([tText(4, 'root'), tInt(5, 2, 5)]),
    ...columns.map((c) => struct([tInt(1, 4, 5), tInt(3, 0, 5), tText(4, c)])),
  ]
  const footer = struct([
    tInt(1, 2, 5),
    tList(2, 12, schema),
    tInt(3, rows),
    tList(4, 12, [struct([tList(1, 12, metas), tInt(2, at - 4), tInt(3, rows)])]),
    tText(6, 'kx test'),
  ])
  return concat('PAR1', ...chunks, footer, u32(footer.length), 'PAR1')
}

/** Superblock version 2 with its checksum, a root object header behind it, then data. */
export function hdf5(seed: number, version: 0 | 2 = 2): Uint8Array {
  const mark = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
  const undefinedAddress = u64(0xffffffffffffffffn)
  const data = floats(10_000, seed)
  if (version === 0) {
    const root = concat(Buffer.from([1, 0, 1, 0]), u32(1), u32(24), Buffer.alloc(28))
    const size = 96 + root.length + data.length
    const head = concat(mark, Buffer.from([0, 0, 0, 0, 0, 8, 8, 0]), u16(4), u16(16), u32(0))
    const addresses = concat(u64(0), undefinedAddress, u64(size), undefinedAddress)
    return concat(head, addresses, u64(0), u64(96), u32(0), u32(0), Buffer.alloc(16), root, data)
  }
  const root = concat('OHDR', Buffer.from([2, 0, 8]), Buffer.alloc(12))
  const size = 48 + root.length + data.length
  const head = concat(mark, Buffer.from([2, 8, 8, 0]), u64(0), undefinedAddress, u64(size), u64(48))
  return concat(head, u32(lookup3(head)), root, data)
}

export function gguf(seed: number): Uint8Array {
  const text = (s: string) => concat(u64(s.length), s)
  const tensor = (name: string, shape: readonly number[], type: number, offset: number) =>
    concat(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset))
  const header = concat(
    'GGUF',
    u32(3),
    u64(2),
    u64(4),
    concat(text('general.architecture'), u32(8), text('llama')),
    concat(text('general.alignment'), u32(4), u32(32)),
    concat(text('tokens'), u32(9), u32(8), u64(3), text('a'), text('b'), text('c')),
    concat(text('scores'), u32(9), u32(6), u64(2), Buffer.alloc(8)),
    tensor('a.weight', [100, 90], 0, 0),
    tensor('b.weight', [64, 32], 8, 36_000),
  )
  const pad = Buffer.alloc((32 - (header.length % 32)) % 32)
  return concat(header, pad, floats(9_000, seed), floats(((2048 / 32) * 34) / 4, seed + 1))
}

const pbVarint = (field: number, n: number) => concat(varint(field * 8), varint(n))
const pbBytes = (field: number, b: Uint8Array | string) => concat(varint(field * 8 + 2), varint(b.length), b)

export function onnx(seed: number, external?: string): Uint8Array {
  const entry = (k: string, v: string) => pbBytes(13, concat(pbBytes(1, k), pbBytes(2, v)))
  const weight = external
    ? concat(pbVarint(1, 100), pbVarint(2, 1), entry('location', external), entry('length', '400'), pbVarint(14, 1))
    : concat(pbVarint(1, 100), pbVarint(1, 80), pbVarint(2, 1), pbBytes(8, 'w'), pbBytes(9, floats(8_000, seed)))
  const graph = concat(pbBytes(1, pbBytes(4, 'MatMul')), pbBytes(2, 'g'), pbBytes(5, weight))
  return concat(pbVarint(1, 8), pbBytes(2, 'kx'), pbBytes(7, graph), pbBytes(8, pbVarint(2, 17)))
}

export function sqlite(seed: number): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'kx-sqlite-'))
  try {
    const path = join(folder, 'a.db')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA page_size = 1024; CREATE TABLE metric (step INTEGER PRIMARY KEY, name TEXT, value REAL)')
    db.exec('CREATE INDEX by_name ON metric (name)')
    const random = randomFrom(seed)
    const insert = db.prepare('INSERT INTO metric (name, value) VALUES (?, ?)')
    db.exec('BEGIN')
    for (let i = 0; i < 1200; i += 1) insert.run(`metric-${i % 7}-${seed}`, random())
    db.exec('COMMIT')
    db.close()
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function jsonl(seed: number): Uint8Array {
  const random = randomFrom(seed)
  const lines = Array.from({ length: 600 }, (_, step) => JSON.stringify({ step, loss: random(), note: 'ä "q" \\ é' }))
  return Buffer.from(`${lines.join('\n')}\n`)
}

export function json(seed: number): Uint8Array {
  const random = randomFrom(seed)
  return Buffer.from(
    JSON.stringify({
      seed,
      splits: Array.from({ length: 700 }, (_, i) => ({ i, acc: random(), e: -1.5e-7, n: null })),
    }),
  )
}

export function csv(seed: number): Uint8Array {
  const random = randomFrom(seed)
  const rows = Array.from({ length: 900 }, (_, i) => `${i},"a ""b"", c\nd",${random()}`)
  return Buffer.from(`step,text,value\n${rows.join('\n')}\n`)
}

/** A whole file of a kind; another seed gives another content of the same shape. */
export function build(kind: CheckedKind, seed: number): Uint8Array {
  switch (kind) {
    case 'json':
      return json(seed)
    case 'jsonl':
      return jsonl(seed)
    case 'csv':
      return csv(seed)
    case 'safetensors':
      return safetensors(seed)
    case 'npy':
      return npy(seed)
    case 'npz':
      return zip([
        { name: 'x.npy', data: npy(seed, 8000), deflate: true },
        { name: 'y.npy', data: npy(seed + 1, 6000) },
      ])
    case 'torch':
      return torch(seed)
    case 'gzip':
      return concat(gzipSync(jsonl(seed)), gzipSync(floats(4000, seed)))
    case 'tar':
      return tar(seed)
    case 'parquet':
      return parquet(seed)
    case 'hdf5':
      return hdf5(seed)
    case 'sqlite':
      return sqlite(seed)
    case 'gguf':
      return gguf(seed)
    case 'onnx':
      return onnx(seed)
  }
}
