import { randomBytes } from 'node:crypto'
import type { Clock } from '../run/act.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

function encode(value: bigint, length: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < length; i += 1) {
    text = (alphabet[Number(rest % 32n)] ?? '0') + text
    rest /= 32n
  }
  return text
}

/** ULIDs that sort in the order in which they were made, also within one millisecond. */
export function newIds(clock: Pick<Clock, 'nowMs'>): () => string {
  let lastMs = -1
  let random = 0n
  return () => {
    const nowMs = Math.max(clock.nowMs(), lastMs)
    random = nowMs === lastMs ? random + 1n : BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n
    lastMs = nowMs
    return encode(BigInt(nowMs), 10) + encode(random, 16)
  }
}
