import type { ClientChannel } from 'ssh2'

/** What ssh2 gives each channel, and gives again when half of it is used. */
export const windowOfSsh2 = 2 * 1024 * 1024
/** Told to the server at once, so that it is not told for each packet. */
const stepBytes = 1024 * 1024

/**
 * Lets so many bytes of a channel be on their way at once, in place of the 2 MiB of ssh2: on a far link those are all that
 * comes in a round trip. Given again as the bytes are taken, so whoever pauses the channel holds at most this much back
 * in memory. The fields are private to ssh2: where they do not look as expected nothing is changed, the answer is false,
 * and only speed is lost; a test holds them to it.
 */
export function widenWindow(channel: ClientChannel, bytes: number): boolean {
  const incoming = objectAt(channel, 'incoming')
  const outgoing = objectAt(channel, 'outgoing')
  const protocol = objectAt(objectAt(channel, '_client'), '_protocol')
  if (incoming === null || outgoing === null || protocol === null || bytes <= windowOfSsh2) return false
  const adjust: unknown = Reflect.get(protocol, 'channelWindowAdjust')
  const id: unknown = Reflect.get(outgoing, 'id')
  const window: unknown = Reflect.get(incoming, 'window')
  // A moment after it was opened some of the window may be used already; more than all of it is another thing.
  if (typeof adjust !== 'function' || typeof id !== 'number') return false
  if (typeof window !== 'number' || window < 0 || window > windowOfSsh2) return false
  const give = (step: number) => {
    const left: unknown = Reflect.get(incoming, 'window')
    if (typeof left !== 'number' || bytes - left < step || Reflect.get(outgoing, 'state') !== 'open') return
    Reflect.set(incoming, 'window', bytes)
    Reflect.apply(adjust, protocol, [id, bytes - left])
  }
  give(0)
  channel.on('data', () => give(stepBytes))
  return true
}

function objectAt(from: unknown, name: string): object | null {
  const found: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, name) : null
  return typeof found === 'object' ? found : null
}
