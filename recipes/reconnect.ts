import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { clean, looksOnly, NotSeen } from './parts/ask.ts'

/** Makes the link anew, with pauses that grow, and never touches the run. */
export const recipe = defineRecipe({
  id: 'reconnect',
  title: 'Reconnect',
  runbook: {
    when: 'A host does not answer and its provider says that it is up. A lost link says nothing about the run.',
    touches:
      'The link alone. It asks the host who it is, has kx connect again where it does not answer, and waits longer after each try. The run on the host is neither asked nor restarted.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    tries: z.number().int().min(1).max(20).default(6).describe('how often'),
    pauseSeconds: z
      .number()
      .min(0.01)
      .max(600)
      .default(2)
      .describe('after the first try; twice as long after each, 60 at most'),
  }),
  serves: [{ rule: 'unknown-state' }, { rule: 'audit.reachable' }],
  cells: [
    {
      name: 'connect',
      title: 'Try until it answers',
      risk: 'read',
      timeoutSeconds: 1800,
      plan: looksOnly('Connects again.'),
      run: async (context) => {
        const { tries, pauseSeconds } = context.parameters
        let last = ''
        for (let n = 1; n <= tries; n++) {
          try {
            const { hostname, machineId } = await context.host.identity(
              AbortSignal.any([context.signal, AbortSignal.timeout(30_000)]),
            )
            await context.record('machine', { hostname, machineId })
            return { summary: clean(`${hostname} answers, at try ${n}`) }
          } catch (error) {
            context.signal.throwIfAborted()
            last = error instanceof Error ? error.message : String(error)
            context.say(clean(`try ${n}: ${last}`))
          }
          const answer = await context.kx('host.reconnect', { host: context.host.name })
          if (answer.summary !== '') context.say(clean(answer.summary))
          if (n < tries)
            await delay(Math.min(60, pauseSeconds * 2 ** (n - 1)) * 1000, undefined, { signal: context.signal })
        }
        throw new NotSeen(
          clean(
            `${context.host.name} did not answer ${tries} times (${last}). How the run is stays unknown: look at machine, balance and address at its provider.`,
          ),
        )
      },
    },
  ],
})
