import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask, byKx, folderOf, looksOnly, numberOf, readFacts } from './parts/ask.ts'
import { lookAtRun } from './parts/run-look.ts'

/** Number of the lease that the guard holds, and whether somebody asked the run to stop. Word: folder. */
const source = `set -u
cd -- "$1" || exit 66
if [ -f guard/now ]; then read -r _ _ _ _ number _ <guard/now && echo "lease=$number"; fi
if [ -f exit.json ] || [ -f stop ]; then echo over=yes; fi
exit 0
`

/** States facts and costs, and waits for what a person does. */
export const recipe = defineRecipe({
  id: 'ask-person',
  title: 'Ask a person',
  runbook: {
    when: 'Money, time or balance: nothing that kx may decide.',
    touches:
      'Nothing. It says how the run stands, what the lease allows and what survives a stop, and, when asked to, waits until a person has extended the lease or stopped the run.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    question: z.string().default('Shall it go on?').describe('what has to be decided'),
    wait: z.boolean().default(false).describe('wait until the lease was extended or the run was stopped'),
  }),
  serves: [
    { rule: 'cost-cap', fill: ({ text }) => ({ question: text }) },
    { rule: 'cost-estimate', fill: ({ text }) => ({ question: text }) },
    { rule: 'machine-age', fill: ({ text }) => ({ question: text }) },
    { rule: 'over-hours', fill: ({ text }) => ({ question: text }) },
    { rule: 'lease', fill: ({ text }) => ({ question: text }) },
  ],
  cells: [
    {
      name: 'facts',
      title: 'Say how it stands',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly(),
      run: async (context) => {
        const { summary } = await byKx(context, 'lease.show')
        const look = await lookAtRun(context)
        const fact = readFacts((await ask(context, source, [folderOf(context)])).text)
        await context.record('lease', numberOf(fact('lease')))
        context.say(context.parameters.question)
        context.say(summary)
        context.say(`runner ${look.runner}, ${look.unitsAlive} units alive, guard ${look.guard}`)
        for (const { id, path, survives } of context.host.tiers)
          context.say(`${id} (${path}): after a stop ${survives.stop}, after its end ${survives.destroy}`)
        context.say('go on: kx lease extend. stop: kx abort, or park. end: kx teardown.')
        return { summary: `${context.parameters.question} ${summary}` }
      },
    },
    {
      name: 'answer',
      title: 'Wait for what a person does',
      risk: 'read',
      timeoutSeconds: 86_400,
      when: ({ parameters }) => (parameters.wait ? true : 'not asked to wait'),
      plan: looksOnly(),
      waitUntil: {
        everySeconds: 30,
        isTrue: async (context) => {
          const fact = readFacts((await ask(context, source, [folderOf(context)])).text)
          const before = context.results.facts?.lease
          const now = numberOf(fact('lease'))
          return fact('over') !== null || (typeof before === 'number' && now !== null && now > before)
        },
      },
      run: async (context) => {
        const fact = readFacts((await ask(context, source, [folderOf(context)])).text)
        return {
          summary:
            fact('over') !== null
              ? 'the run was stopped or has ended'
              : `the lease was extended (number ${fact('lease')})`,
        }
      },
    },
  ],
})
