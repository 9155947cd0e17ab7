import type { Checker } from './kit.ts'
import { Broken, maxEntries, NotCheckable } from './kit.ts'

const block = 512

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

/** Octal with NUL or space around it, or base-256 with the top bit set (GNU). */
function numberAt(header: Uint8Array, from: number, length: number, what: string): number {
  const field = header.subarray(from, from + length)
  if (((field[0] as number) & 0x80) !== 0) {
    let value = (field[0] as number) & 0x7f
    for (const byte of field.subarray(1)) value = value * 256 + byte
    if (!Number.isSafeInteger(value)) throw new Broken(`${what} is larger than any file`)
    return value
  }
  const text = Buffer.from(field)
    .toString('latin1')
    .replace(/^ +/, '')
    .replace(/[ \0].*$/s, '')
  if (!/^[0-7]*$/.test(text)) throw new Broken(`${what} is not an octal number`)
  return text === '' ? 0 : Number.parseInt(text, 8)
}

/** Sum of the header with its own field read as spaces; old writers summed signed bytes. */
function sumIsRight(header: Uint8Array): boolean {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < block; i += 1) {
    const byte = i >= 148 && i < 156 ? 0x20 : (header[i] as number)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const stored = numberAt(header, 148, 8, 'the header sum')
  return stored === unsigned || stored === signed
}

/** Header sums, sizes inside the file, two zero blocks, zeros to the end. Member content carries no sums. */
export const checkTar: Checker = async (probe) => {
  if (probe.bytes === 0) throw new Broken('the file is empty')
  if (probe.bytes % block !== 0) throw new Broken('the size is not a multiple of 512')
  let at = 0
  let members = 0
  for (;;) {
    const header = await probe.take(at, block, 'member header')
    if (isZero(header)) break
    if (!sumIsRight(header)) throw new Broken(`the header sum of member ${members + 1} is wrong`)
    const size = numberAt(header, 124, 12, `the size of member ${members + 1}`)
    // Links, devices and folders have no content, whatever their size field says (POSIX ustar).
    const hasContent = !'123456'.includes(String.fromCharCode(header[156] as number))
    const content = hasContent ? Math.ceil(size / block) * block : 0
    probe.inside(at + block, content, `member ${members + 1}`)
    at += block + content
    members += 1
    if (members > maxEntries) throw new NotCheckable(`more than ${maxEntries} members`)
    if (at === probe.bytes) throw new Broken('the two closing zero blocks are missing')
  }
  if (members === 0) throw new Broken('no members')
  if (probe.bytes - at < 2 * block) throw new Broken('the second closing zero block is missing')
  for await (const piece of probe.stream(at, probe.bytes - at, 'padding'))
    if (!isZero(piece)) throw new Broken('something follows the closing zero blocks')
  probe.note(`${members} members, header sums right, closed by zero blocks`)
  return { checksums: 'some' }
}
