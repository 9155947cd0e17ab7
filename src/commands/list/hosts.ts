import { z } from 'zod'
import { isWaiting, linkWords } from '../../session/link-words.ts'
import { command } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

/** A link that is up needs nothing, and where there is none an act makes it. */
function whyNoReconnect({ links = [], nowMs }: CommandState): string | null {
  if (links.length === 0) return 'no link to another machine is open'
  if (links.some(isWaiting)) return null
  return links.map((link) => `${link.host}: ${linkWords(link, nowMs)}`).join('; ')
}

/** The way to other machines: links, and the keys by which they are known. */
export const hostCommands: readonly CommandSpec[] = [
  command({
    id: 'host.reconnect',
    title: 'Connect again',
    description:
      'Makes the link to a host anew at once: after a pause, or without waiting for the next try. Reads the ssh configuration again.',
    args: () => z.strictObject({ host: z.string().min(1).optional().describe('host; all that are not up by default') }),
    positional: ['host'],
    keys: ['L'],
    where: 'global',
    risk: 'read',
    disabled: whyNoReconnect,
    run: async (env, args) => (await import('../host-link.ts')).reconnect(env, args),
  }),
]
