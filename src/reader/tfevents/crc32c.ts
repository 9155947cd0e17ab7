/** Table of the Castagnoli polynomial, reflected: 0x82F63B78. Made when it is first needed. */
let table: Uint32Array | null = null

function makeTable(): Uint32Array {
  const made = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    let value = i
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1
    made[i] = value >>> 0
  }
  return made
}

/** CRC-32C of a part of some bytes. Check value: 0xE3069283 for the digits 1 to 9 (RFC 3720). */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  table ??= makeTable()
  const known = table
  let crc = 0xffff_ffff
  for (let i = start; i < end; i++) crc = (known[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** The form in which TFRecord stores it: turned right by 15 bits, a constant added (handbook compare 4.2). */
export function maskedCrc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const crc = crc32c(bytes, start, end)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
}
