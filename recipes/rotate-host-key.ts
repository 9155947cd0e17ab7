import { z } from 'zod'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { byKx, looksOnly } from './parts/ask.ts'
import { offeredKeys } from './parts/host-keys.ts'

const parameters = z.object({
  // Not `host`: on the command line that says where a recipe runs.
  target: z.string().min(1).describe('host whose key it is, as the plan names it'),
  address: z
    .string()
    .regex(/^[A-Za-z0-9:][A-Za-z0-9._:-]*$/, 'an address or a name')
    .describe('address that the server listens on'),
  port: z.number().int().min(1).max(65_535).default(22).describe('its port'),
  fingerprint: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'SHA256: and 43 letters')
    .describe('fingerprint of the new key, learnt by another way: console of the provider, or who runs the machine'),
})

type Context = CellContext<z.infer<typeof parameters>>

/** What the server shows now, asked from this machine without any trust. Null: it did not answer this way. */
async function asked({ local$, parameters: { address, port }, signal }: Context) {
  const { stdout } = await local$({ quiet: true, nothrow: true, signal })`ssh-keyscan -T 8 -p ${port} -- ${address}`
  const keys = offeredKeys(stdout)
  return keys.length === 0 ? null : keys
}

async function judged(context: Context): Promise<CellPlan> {
  const { target, fingerprint } = context.parameters
  const keys = await asked(context)
  if (keys === null)
    return {
      change: 'unknown',
      lines: ['The server shows no key to this machine (a jump host, or it is down): kx compares when it connects.'],
      foundBy: 'probe',
      targets: [`${target} ${fingerprint}`],
    }
  const lines = keys.map(
    (key) => `${key.fingerprint === fingerprint ? 'yours' : 'other'}: ${key.type} ${key.fingerprint}`,
  )
  if (!keys.some((key) => key.fingerprint === fingerprint))
    return { change: 'no', lines: [...lines, 'NOT the key that you learnt: nothing will be trusted.'], foundBy: 'diff' }
  return { change: 'yes', lines, foundBy: 'diff', targets: [`${target} ${fingerprint}`] }
}

/** Trusts a changed host key, only when a person has learnt its fingerprint by another way. */
export const recipe = defineRecipe({
  id: 'rotate-host-key',
  title: 'Rotate a changed host key',
  runbook: {
    when: 'kx refuses a host because its key is another one, and you know why: the machine was made anew, or its keys were.',
    touches:
      'Your known_hosts: the lines of this host and port alone, and the old ones are kept beside it. It asks the server for its keys, compares them with the fingerprint that you typed, and hands that to kx host trust. A key that is not yours ends it: somebody may stand between.',
    back: 'kx host forget, or put the kept lines back.',
  },
  parameters,
  serves: [{ rule: 'audit.reachable', fill: ({ host }) => (host === null ? {} : { target: host }) }],
  cells: [
    {
      name: 'known',
      title: 'What is trusted now',
      risk: 'read',
      timeoutSeconds: 60,
      on: 'here',
      plan: looksOnly('Connects to nothing.'),
      run: async (context) => {
        const { summary } = await byKx(context, 'host.show', { host: context.parameters.target })
        context.say(summary)
        return { summary }
      },
    },
    {
      name: 'trust',
      title: 'Compare, and trust it',
      risk: 'change',
      timeoutSeconds: 120,
      on: 'here',
      plan: judged,
      run: async (context) => {
        const { target, fingerprint } = context.parameters
        if (!context.targets.includes(`${target} ${fingerprint}`))
          return context.fail(
            `${target} does not show the key ${fingerprint}.`,
            'Trust nothing: ask who runs the machine, by another way than this network.',
          )
        const { summary } = await byKx(context, 'host.trust', { host: target, fingerprint })
        await context.record('trusted', fingerprint)
        return { summary }
      },
      probe: async ({ results, parameters: { fingerprint } }) =>
        results.trust?.trusted === fingerprint ? 'done' : 'unknown',
    },
    {
      name: 'reconnect',
      title: 'Connect with it',
      risk: 'read',
      timeoutSeconds: 120,
      on: 'here',
      plan: looksOnly(),
      run: async (context) => ({
        summary: (await byKx(context, 'host.reconnect', { host: context.parameters.target })).summary,
      }),
    },
  ],
})
