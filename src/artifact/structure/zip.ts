import { crc32 } from 'node:zlib'
import { inflateRaw } from './inflate.ts'
import type { Probe, StructureReport } from './kit.ts'
import { Broken, maxEntries, NotCheckable, u64, viewOf } from './kit.ts'

export interface ZipMember {
  readonly name: string
  readonly flags: number
  readonly method: number
  /** DOS time and date, as one number. */
  readonly modified: number
  readonly crc: number
  readonly storedBytes: number
  readonly bytes: number
  readonly headerAt: number
}

interface Directory {
  readonly at: number
  readonly bytes: number
  readonly entries: number
}

const full16 = 0xffff
const full32 = 0xffffffff

/** End record, and the zip64 one in front of it; both must agree and touch the central directory. */
async function findDirectory(probe: Probe): Promise<Directory> {
  const tailBytes = Math.min(probe.bytes, 22 + 65_535)
  if (tailBytes < 22) throw new Broken('too short for a zip')
  const tail = await probe.take(probe.bytes - tailBytes, tailBytes, 'end record')
  const view = viewOf(tail)
  let at = -1
  for (let i = tailBytes - 22; i >= 0; i -= 1)
    if (view.getUint32(i, true) === 0x06054b50 && i + 22 + view.getUint16(i + 20, true) === tailBytes) {
      at = i
      break
    }
  if (at < 0) throw new Broken('the end record is missing: the file is cut, or something was appended')
  if (view.getUint16(at + 4, true) !== view.getUint16(at + 6, true))
    throw new Broken('the end record names other disks')
  const entries = view.getUint16(at + 10, true)
  if (view.getUint16(at + 8, true) !== entries) throw new Broken('the end record contradicts itself')
  const bytes = view.getUint32(at + 12, true)
  const offset = view.getUint32(at + 16, true)
  const endAt = probe.bytes - tailBytes + at
  const hasLocator = at >= 20 && view.getUint32(at - 20, true) === 0x07064b50
  if (!hasLocator) {
    if (entries === full16 || bytes === full32 || offset === full32) throw new Broken('the zip64 record is missing')
    return touching({ at: offset, bytes, entries }, endAt)
  }
  const recordAt = u64(view, at - 20 + 8, 'zip64 record offset')
  const record = viewOf(await probe.take(recordAt, 56, 'zip64 record'))
  if (record.getUint32(0, true) !== 0x06064b50) throw new Broken('the zip64 record is not where it is said to be')
  if (recordAt + 12 + u64(record, 4, 'zip64 record size') !== endAt - 20)
    throw new Broken('the zip64 record has a wrong size')
  const big = {
    entries: u64(record, 32, 'zip64 entries'),
    bytes: u64(record, 40, 'zip64 directory size'),
    at: u64(record, 48, 'zip64 directory offset'),
  }
  if (
    (entries !== full16 && entries !== big.entries) ||
    (bytes !== full32 && bytes !== big.bytes) ||
    (offset !== full32 && offset !== big.at)
  )
    throw new Broken('the zip64 record contradicts the end record')
  return touching(big, recordAt)
}

function touching(directory: Directory, end: number): Directory {
  if (directory.at + directory.bytes !== end) throw new Broken('the central directory does not reach the end record')
  return directory
}

/** Values that did not fit their 32 bits, from the zip64 extra field, in the order in which they are missing. */
function zip64Values(extra: Uint8Array, wanted: number): readonly number[] {
  if (wanted === 0) return []
  const view = viewOf(extra)
  let at = 0
  while (at + 4 <= extra.length) {
    const size = view.getUint16(at + 2, true)
    if (at + 4 + size > extra.length) break
    if (view.getUint16(at, true) === 1) {
      if (size < wanted * 8) throw new Broken('the zip64 extra field is too short')
      return Array.from({ length: wanted }, (_, i) => u64(view, at + 4 + i * 8, 'a zip64 size'))
    }
    at += 4 + size
  }
  throw new Broken('the zip64 extra field is missing')
}

function readEntries(bytes: Uint8Array, directory: Directory): ZipMember[] {
  const view = viewOf(bytes)
  const members: ZipMember[] = []
  const names = new Set<string>()
  let at = 0
  for (let i = 0; i < directory.entries; i += 1) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50)
      throw new Broken(`entry ${i + 1} of the central directory is damaged`)
    const nameEnd = at + 46 + view.getUint16(at + 28, true)
    const extraEnd = nameEnd + view.getUint16(at + 30, true)
    const end = extraEnd + view.getUint16(at + 32, true)
    if (end > bytes.length) throw new Broken(`entry ${i + 1} of the central directory is cut off`)
    const raw = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)]
    const big = [...zip64Values(bytes.subarray(nameEnd, extraEnd), raw.filter((n) => n === full32).length)]
    const [size, stored, headerAt] = raw.map((n) => (n === full32 ? (big.shift() as number) : n)) as [
      number,
      number,
      number,
    ]
    const name = Buffer.from(bytes.subarray(at + 46, nameEnd)).toString('latin1')
    if (names.has(name)) throw new Broken('two members have the same name')
    names.add(name)
    members.push({
      name,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      modified: view.getUint32(at + 12, true),
      crc: view.getUint32(at + 16, true),
      storedBytes: stored,
      bytes: size,
      headerAt,
    })
    at = end
  }
  if (at !== bytes.length) throw new Broken('the central directory is longer than its entries')
  return members
}

/** Compares the local header with the directory; returns where the content begins. */
async function contentAt(probe: Probe, member: ZipMember): Promise<number> {
  const fixed = viewOf(await probe.take(member.headerAt, 30, 'local header'))
  if (fixed.getUint32(0, true) !== 0x04034b50) throw new Broken('a local header is missing')
  const nameBytes = fixed.getUint16(26, true)
  const extraBytes = fixed.getUint16(28, true)
  const rest = await probe.take(member.headerAt + 30, nameBytes + extraBytes, 'local header')
  if (Buffer.from(rest.subarray(0, nameBytes)).toString('latin1') !== member.name)
    throw new Broken('a local header has another name than the directory')
  if (
    fixed.getUint16(8, true) !== member.method ||
    fixed.getUint16(6, true) !== member.flags ||
    fixed.getUint32(10, true) !== member.modified
  )
    throw new Broken('a local header contradicts the directory')
  if ((member.flags & 8) === 0) {
    const raw = [fixed.getUint32(22, true), fixed.getUint32(18, true)]
    const big = [...zip64Values(rest.subarray(nameBytes), raw.filter((n) => n === full32).length)]
    const [size, stored] = raw.map((n) => (n === full32 ? big.shift() : n))
    if (size !== member.bytes || stored !== member.storedBytes || fixed.getUint32(14, true) !== member.crc)
      throw new Broken('a local header gives other sizes or another sum than the directory')
  }
  return member.headerAt + 30 + nameBytes + extraBytes
}

/** Members lie one after the other from byte 0, without overlap; between them only a data descriptor may stand. */
async function checkGap(probe: Probe, member: ZipMember, end: number, next: number): Promise<void> {
  const gap = next - end
  if (gap < 0) throw new Broken('members overlap')
  if (gap === 0) return
  if ((member.flags & 8) === 0 || ![12, 16, 20, 24].includes(gap))
    throw new Broken(`${gap} bytes that belong to no member`)
  const descriptor = viewOf(await probe.take(end, gap, 'data descriptor'))
  const hasSignature = gap === 16 || gap === 24
  if (hasSignature && descriptor.getUint32(0, true) !== 0x08074b50) throw new Broken('a data descriptor is damaged')
  const at = hasSignature ? 4 : 0
  const size = (from: number) =>
    gap - at === 12 ? descriptor.getUint32(from, true) : u64(descriptor, from, 'a data descriptor')
  const width = gap - at === 12 ? 4 : 8
  if (
    descriptor.getUint32(at, true) !== member.crc ||
    size(at + 4) !== member.storedBytes ||
    size(at + 4 + width) !== member.bytes
  )
    throw new Broken('a data descriptor contradicts the directory')
}

async function crcOf(
  probe: Probe,
  member: ZipMember,
  start: number,
  onHead: ((member: ZipMember, head: Uint8Array) => void) | undefined,
  headBytes: number,
): Promise<number> {
  let sum = 0
  let seen = 0
  const head: Uint8Array[] = []
  let headSize = 0
  const take = (piece: Uint8Array) => {
    sum = crc32(piece, sum)
    seen += piece.length
    if (seen > member.bytes) throw new Broken('a member is larger than the directory says')
    if (onHead !== undefined && headSize < headBytes) {
      head.push(Uint8Array.from(piece.subarray(0, headBytes - headSize)))
      headSize += Math.min(piece.length, headBytes - headSize)
    }
  }
  const source = probe.stream(start, member.storedBytes, 'member')
  if (member.method === 0) for await (const piece of source) take(piece)
  else {
    const { consumedBytes } = await inflateRaw(source, take)
    if (consumedBytes !== member.storedBytes) throw new Broken('a member ends before its stored size')
  }
  if (seen !== member.bytes) throw new Broken('a member is smaller than the directory says')
  onHead?.(member, Buffer.concat(head))
  return sum
}

export interface ZipOptions {
  /** First `headBytes` inflated bytes of each member. */
  readonly onHead?: (member: ZipMember, head: Uint8Array) => void
  readonly headBytes?: number
  /** PyTorch can be told to write no sums; then every member carries zero. */
  readonly allowsMissingSums?: boolean
}

/**
 * A whole zip: end record, zip64, directory, local headers, no overlap, no hole, CRC-32 of every member.
 * Nothing is extracted and names are only compared.
 */
export async function checkZip(
  probe: Probe,
  options: ZipOptions = {},
): Promise<{ readonly members: readonly ZipMember[]; readonly checksums: StructureReport['checksums'] }> {
  const directory = await findDirectory(probe)
  if (directory.entries > maxEntries) throw new NotCheckable(`more than ${maxEntries} members`)
  const members = readEntries(await probe.take(directory.at, directory.bytes, 'central directory'), directory)
  if (members.length === 0) throw new Broken('no members')
  members.sort((a, b) => a.headerAt - b.headerAt)
  if (members[0]?.headerAt !== 0) throw new Broken('bytes before the first member')
  const wrong: string[] = []
  let unsummed = 0
  for (const [i, member] of members.entries()) {
    if ((member.flags & 1) !== 0) throw new NotCheckable('members are encrypted')
    if (member.method !== 0 && member.method !== 8) throw new NotCheckable(`compression method ${member.method}`)
    if (member.method === 0 && member.bytes !== member.storedBytes) throw new Broken('a stored member has two sizes')
    const start = await contentAt(probe, member)
    probe.inside(start, member.storedBytes, 'member')
    await checkGap(probe, member, start + member.storedBytes, members[i + 1]?.headerAt ?? directory.at)
    const sum = await crcOf(probe, member, start, options.onHead, options.headBytes ?? 0)
    if (sum === member.crc) continue
    if (member.crc === 0) unsummed += 1
    wrong.push(member.name)
  }
  const filled = members.filter((member) => member.bytes > 0).length
  probe.note(`${members.length} members, directory and local headers agree, no overlap, no hole`)
  if (wrong.length === 0) {
    probe.note('CRC-32 of every member is right')
    return { members, checksums: 'all' }
  }
  if (options.allowsMissingSums && filled > 1 && unsummed === filled) {
    probe.note('no internal checksum: every member carries zero')
    return { members, checksums: 'none' }
  }
  throw new Broken(`the CRC-32 of ${wrong.length} of ${members.length} members is wrong`)
}
