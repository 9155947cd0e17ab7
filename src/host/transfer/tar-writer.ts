const block = 512
const nameBytes = 100

/** One file of an archive, as GNU tar writes it; a name that does not fit comes before it as an entry of its own. */
export function tarEntry(path: string, bytes: Uint8Array, mode: number): readonly Uint8Array[] {
  const name = Buffer.from(`./${path}`)
  return [
    ...(name.byteLength > nameBytes
      ? entry(Buffer.from('././@LongLink'), Buffer.concat([name, Buffer.of(0)]), 0, 'L')
      : []),
    ...entry(name.subarray(0, nameBytes), bytes, mode, '0'),
  ]
}

/** What ends an archive. */
export const tarEnd = (): Uint8Array => Buffer.alloc(2 * block)

function entry(name: Buffer, bytes: Uint8Array, mode: number, type: string): readonly Uint8Array[] {
  const head = Buffer.alloc(block)
  name.copy(head, 0)
  octal(head, mode & 0o777, 100, 8)
  octal(head, 0, 108, 8)
  octal(head, 0, 116, 8)
  octal(head, bytes.byteLength, 124, 12)
  octal(head, 0, 136, 12)
  head.write(type, 156)
  head.write('ustar  \0', 257, 'latin1')
  head.fill(' ', 148, 156)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const rest = (block - (bytes.byteLength % block)) % block
  return rest === 0 ? [head, bytes] : [head, bytes, Buffer.alloc(rest)]
}

function octal(head: Buffer, value: number, at: number, length: number): void {
  head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
}
