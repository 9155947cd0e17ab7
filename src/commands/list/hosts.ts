import { z } from 'zod'
import { isWaiting, linkWords } from '../../session/link-words.ts'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

/** A link that is up needs nothing, and where there is none an act makes it. */
function whyNoReconnect({ links = [], nowMs }: CommandState): string | null {
  if (links.length === 0) return 'no link to another machine is open'
  if (links.some(isWaiting)) return null
  return links.map((link) => `${link.host}: ${linkWords(link, nowMs)}`).join('; ')
}

const hostArg = () =>
  z.strictObject({ host: z.string().min(1).optional().describe('host; the one of the plan by default') })

/** The way to other machines: links, and the keys by which they are known. */
export const hostCommands: readonly CommandSpec[] = [
  command({
    id: 'host.list',
    title: 'List hosts',
    description: 'Hosts of the plan, machines that kx has seen, and how the open links are.',
    args: noArgs,
    where: ['profiles'],
    risk: 'read',
    cli: ['host', 'list'],
    run: async (env) => (await import('../host-keys.ts')).listHosts(env),
  }),
  command({
    id: 'host.show',
    title: 'Show host',
    description:
      'Every machine on the way to a host: address, key types and fingerprints, the known_hosts line each comes from, which machine it was, and when that was learnt. Connects to nothing.',
    args: hostArg,
    positional: ['host'],
    keys: ['K'],
    where: ['audit'],
    risk: 'read',
    cli: ['host', 'show'],
    run: async (env, args) => (await import('../host-keys.ts')).showHost(env, args),
  }),
  command({
    id: 'host.trust',
    title: 'Trust host key',
    description:
      'Connects, shows the fingerprint of each key on the way that is not trusted, and writes it to known_hosts once a person has compared it. A changed key is replaced for that host and port only, and the old line is kept. A revoked key cannot be trusted.',
    args: () =>
      z.strictObject({
        host: z.string().min(1).optional().describe('host; the one of the plan by default'),
        fingerprint: z
          .string()
          .min(1)
          .optional()
          .describe('SHA256:… that was learnt by another way, instead of asking; several, comma separated'),
      }),
    positional: ['host'],
    keys: ['T'],
    where: ['audit'],
    risk: 'change',
    cli: ['host', 'trust'],
    run: async (env, args) => {
      const [{ recordedBeside }, keys] = await Promise.all([import('../recorded.ts'), import('../host-keys.ts')])
      return recordedBeside(env, 'host.trust', args, () => keys.trustHost(env, args))
    },
  }),
  command({
    id: 'host.forget',
    title: 'Forget host key',
    description:
      'Takes the keys of a host out of your known_hosts, kept in a file beside it, and gives up the machine that was pinned to its name. Asks for the typed name.',
    args: () =>
      z.strictObject({
        host: z.string().min(1).optional().describe('host; the one of the plan by default'),
        name: z.string().optional().describe('name of the host, typed whole as confirmation'),
        reason: z.string().optional().describe('why; it goes into the record'),
      }),
    positional: ['host'],
    where: ['audit'],
    risk: 'change',
    cli: ['host', 'forget'],
    run: async (env, args) => {
      const [{ recordedBeside }, keys] = await Promise.all([import('../recorded.ts'), import('../host-keys.ts')])
      return recordedBeside(env, 'host.forget', args, () => keys.forgetHost(env, args))
    },
  }),
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
    // An act that waits for the link is what it is pressed for.
    besides: 'any',
    disabled: whyNoReconnect,
    run: async (env, args) => {
      const [{ recordedBeside }, link] = await Promise.all([import('../recorded.ts'), import('../host-link.ts')])
      return recordedBeside(env, 'host.reconnect', args, () => link.reconnect(env, args))
    },
  }),
]
