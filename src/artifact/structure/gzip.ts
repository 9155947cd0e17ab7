import { crc32 } from 'node:zlib'
import { inflateRaw } from './inflate.ts'
import type { Checker, Probe } from './kit.ts'
import { Broken, NotCheckable, viewOf } from './kit.ts'

/** Deflate grows a file at most 1,032 times; past this much output the answer is "cannot tell", not "fine". */
const outputLimitBytes = 2 ** 40

/** Where the deflate stream of the member at `at` begins (RFC 1952, section 2.3). */
async function skipHeader(probe: Probe, at: number): Promise<number> {
  const fixed = await probe.take(at, 10, 'gzip header')
  if (fixed[0] !== 0x1f || fixed[1] !== 0x8b) throw new Broken(`no gzip member at byte ${at}: something was appended`)
  if (fixed[2] !== 8) throw new Broken('a compression method that gzip does not have')
  const flags = fixed[3] as number
  if ((flags & 0xe0) !== 0) throw new Broken('reserved flags are set')
  let next = at + 10
  if ((flags & 4) !== 0) next += 2 + viewOf(await probe.take(next, 2, 'extra field')).getUint16(0, true)
  for (const flag of [8, 16])
    if ((flags & flag) !== 0) {
      const text = await probe.take(next, Math.min(65_536, probe.bytes - next), 'name or comment')
      const end = text.indexOf(0)
      if (end < 0) throw new Broken('a name or comment that is not closed')
      next += end + 1
    }
  if ((flags & 2) !== 0) {
    const header = await probe.take(at, next - at, 'gzip header')
    const stored = viewOf(await probe.take(next, 2, 'header sum')).getUint16(0, true)
    if ((crc32(header) & 0xffff) !== stored) throw new Broken('the header sum is wrong')
    next += 2
  }
  return next
}

/** Every member inflated to its end; CRC-32 and length compared; nothing may follow the last one. */
export const checkGzip: Checker = async (probe) => {
  let at = 0
  let members = 0
  let total = 0
  while (at < probe.bytes || members === 0) {
    const start = await skipHeader(probe, at)
    let sum = 0
    const { consumedBytes, producedBytes } = await inflateRaw(
      probe.stream(start, Math.max(0, probe.bytes - start), 'compressed stream'),
      (piece) => {
        sum = crc32(piece, sum)
        total += piece.length
        if (total > outputLimitBytes) throw new NotCheckable('inflates to more than 1 TiB')
      },
    )
    const trailer = viewOf(await probe.take(start + consumedBytes, 8, 'gzip trailer'))
    if (trailer.getUint32(0, true) !== sum) throw new Broken('the CRC-32 of the content is wrong')
    if (trailer.getUint32(4, true) !== producedBytes % 2 ** 32) throw new Broken('the length of the content is wrong')
    at = start + consumedBytes + 8
    members += 1
  }
  probe.note(`${members} gzip member(s), ${total} bytes inflated, CRC-32 and length right`)
  return { checksums: 'all' }
}
