/** The eight ways in which a file goes wrong (handbook reliability 2, P2). */
export const mutations = ['bit-flip', 'cut', 'zero-page', 'zero-tail', 'swap', 'stale', 'grow', 'shrink'] as const
export type Mutation = (typeof mutations)[number]

export interface Others {
  /** Another file of the same kind. */
  readonly swap: Uint8Array
  /** An older state of the same file. */
  readonly stale: Uint8Array
}

/** A changed copy; never equal to the original. */
export function mutate(bytes: Uint8Array, how: Mutation, random: () => number, others: Others): Uint8Array {
  const copy = Buffer.from(bytes)
  const at = (limit: number) => Math.floor(random() * limit)
  switch (how) {
    case 'bit-flip': {
      const where = at(copy.length)
      copy[where] = (copy[where] as number) ^ (1 << at(8))
      return copy
    }
    case 'cut':
      return copy.subarray(0, at(copy.length))
    case 'zero-page': {
      const pages = Math.ceil(copy.length / 4096)
      const first = at(pages)
      for (let i = 0; i < pages; i += 1) {
        const from = ((first + i) % pages) * 4096
        if (copy.subarray(from, from + 4096).every((byte) => byte === 0)) continue
        return copy.fill(0, from, Math.min(from + 4096, copy.length))
      }
      throw new Error('nothing but zeros')
    }
    case 'zero-tail':
      return copy.fill(0, Math.max(0, copy.length - 32_768))
    case 'swap':
      return Buffer.from(others.swap)
    case 'stale':
      return Buffer.from(others.stale)
    case 'grow': {
      const more = Buffer.alloc(1 + at(5000), at(2) === 0 ? 0 : 0x41)
      return Buffer.concat([copy, more])
    }
    case 'shrink': {
      const from = at(copy.length - 1)
      const length = 1 + at(Math.min(5000, copy.length - from - 1))
      return Buffer.concat([copy.subarray(0, from), copy.subarray(from + length)])
    }
  }
}
