const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Sources of time and chance, so that ids can be told beforehand in tests. */
export interface IdSource {
  nowMs(): number
  /** `count` random bytes. */
  randomBytes(count: number): Uint8Array
}

/**
 * Ids in the shape of a ULID: 48 bits of time, 80 of chance, 26 characters, sorted by time. Ids of one maker always
 * rise, also within a millisecond and when the clock is set back.
 */
export function createIdMaker(source: IdSource): () => string {
  let lastMs = 0
  let chance = new Uint8Array(10)
  return () => {
    const nowMs = Math.max(0, Math.floor(source.nowMs()))
    if (nowMs > lastMs) {
      lastMs = nowMs
      chance = Uint8Array.from(source.randomBytes(10))
      // Room to count up without running over.
      chance[0] = (chance[0] ?? 0) & 0x7f
    } else increment(chance)
    return encode(lastMs, chance)
  }
}

function increment(bytes: Uint8Array): void {
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    const next = ((bytes[i] ?? 0) + 1) & 0xff
    bytes[i] = next
    if (next !== 0) return
  }
}

function encode(ms: number, chance: Uint8Array): string {
  let bits = BigInt(ms)
  for (const byte of chance) bits = (bits << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < 26; i += 1) {
    text = `${alphabet[Number(bits & 31n)]}${text}`
    bits >>= 5n
  }
  return text
}
