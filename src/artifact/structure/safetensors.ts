import type { Checker } from './kit.ts'
import { Broken, NotCheckable, product, u64, viewOf } from './kit.ts'
import type { StrictJson } from './strict-json.ts'
import { parseStrictJson } from './strict-json.ts'

/** Bits per element, by the format's own names. */
const bitsOf: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
}
/** The reference reader refuses longer headers (safetensors, MAX_HEADER_SIZE). */
const formatLimitBytes = 100_000_000
/** A header that we parse in about 200 ms: some 80,000 tensors. */
const ourLimitBytes = 8 * 1024 * 1024

interface Range {
  readonly name: string
  readonly from: number
  readonly to: number
}

function numbers(value: StrictJson | undefined, what: string): readonly number[] {
  if (!Array.isArray(value)) throw new Broken(`${what} is not a list`)
  return value.map((n: StrictJson) => {
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) throw new Broken(`${what} is not a list of counts`)
    return n
  })
}

function rangeOf(name: string, entry: StrictJson): Range {
  if (!(entry instanceof Map)) throw new Broken(`tensor ${name} has no description`)
  const fields = entry as ReadonlyMap<string, StrictJson>
  const dtype = fields.get('dtype')
  const bits = typeof dtype === 'string' && Object.hasOwn(bitsOf, dtype) ? bitsOf[dtype] : undefined
  if (bits === undefined) throw new NotCheckable(`tensor ${name} has a type that kx does not know`)
  const [from, to, more] = numbers(fields.get('data_offsets'), `data_offsets of ${name}`)
  if (from === undefined || to === undefined || more !== undefined || to < from)
    throw new Broken(`data_offsets of ${name} are not a pair`)
  const bitCount = product([...numbers(fields.get('shape'), `shape of ${name}`), bits], `shape of ${name}`)
  if (bitCount % 8 !== 0 || bitCount / 8 !== to - from)
    throw new Broken(`tensor ${name}: shape and type give ${bitCount / 8} bytes, offsets give ${to - from}`)
  return { name, from, to }
}

/** Header length, strict JSON without double keys, offsets that cover the rest exactly and without holes. */
export const checkSafetensors: Checker = async (probe) => {
  const length = u64(viewOf(await probe.take(0, 8, 'header length')), 0, 'header length')
  if (length > formatLimitBytes) throw new Broken('the header is longer than the format allows')
  probe.inside(8, length, 'header')
  if (length > ourLimitBytes) throw new NotCheckable('the header is larger than 8 MiB')
  const header = await probe.take(8, length, 'header')
  if (header[0] !== 0x7b) throw new Broken('the header does not begin with {')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header)
  } catch {
    throw new Broken('the header is not UTF-8')
  }
  const parsed = parseStrictJson(text)
  if (!(parsed instanceof Map)) throw new Broken('the header is not an object')
  const ranges: Range[] = []
  for (const [name, entry] of parsed as ReadonlyMap<string, StrictJson>)
    if (name !== '__metadata__') ranges.push(rangeOf(name, entry))
  ranges.sort((a, b) => a.from - b.from || a.to - b.to)
  let next = 0
  for (const range of ranges) {
    if (range.from !== next) throw new Broken(`a hole or an overlap before tensor ${range.name}`)
    next = range.to
  }
  if (8 + length + next !== probe.bytes)
    throw new Broken(`tensors end at byte ${8 + length + next}, the file has ${probe.bytes}`)
  probe.note(`${ranges.length} tensors cover the file exactly`)
  return { checksums: 'none' }
}
