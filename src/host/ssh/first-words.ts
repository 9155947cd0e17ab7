import type { Duplex } from 'node:stream'
import { sanitiseLine } from '../../text/sanitise.ts'

/** More than any server's identification, and enough of a page to know it by. */
const keptBytes = 512

/** What OpenSSH says, before anything else, to a connection that it does not take. */
const limits: readonly (readonly [RegExp, string])[] = [
  [/Exceeded MaxStartups/, 'it takes no more logins at once (MaxStartups)'],
  [/Not allowed at this time/, 'it keeps this address out for a while after failed logins (PerSourcePenalties)'],
]

/**
 * Listens to what comes on a connection before SSH is spoken: the page of a portal, or a server's reason not to go on. ssh2
 * drops it, and without it the connection only seems to be lost.
 *
 * @returns words to put behind an error; empty when nothing was said, or SSH was
 */
export function firstWords(stream: Duplex): () => string {
  let said = Buffer.alloc(0)
  const take = (chunk: Buffer) => {
    said = Buffer.concat([said, chunk.subarray(0, keptBytes - said.byteLength)])
    if (said.byteLength >= keptBytes || isSsh(said)) stream.off('data', take)
  }
  stream.on('data', take)
  return () => {
    stream.off('data', take)
    if (said.byteLength === 0 || isSsh(said)) return ''
    const text = said.toString('latin1')
    const limit = limits.find(([pattern]) => pattern.test(text))
    const shown = sanitiseLine(said.toString().trim().replaceAll(/\s+/g, ' '), 160)
    return limit === undefined ? `; what answers there is no SSH server, it says: ${shown}` : `; ${limit[1]}: ${shown}`
  }
}

const isSsh = (bytes: Buffer) => /(^|\n)SSH-/.test(bytes.toString('latin1'))
