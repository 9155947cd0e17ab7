import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, clean, looksOnly, readFacts } from './parts/ask.ts'
import { lookAtRun } from './parts/run-look.ts'

/** Whose run lies in the folder. Word: folder. */
const source = `set -u
[ -f "$1/plan.env" ] && sed -n 's/^run_id=/run=/p' "$1/plan.env"
exit 0
`

interface Machine {
  readonly machineId?: string | null
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The machine that kx has pinned to the name; null: it knows none. */
async function pinned(context: CellContext<unknown>): Promise<Machine | null> {
  const { data } = await context.kx('host.list')
  const hosts = (data as { hosts?: unknown } | null)?.hosts
  const row = (Array.isArray(hosts) ? hosts : []).find(
    (each: unknown) => (each as { host?: unknown } | null)?.host === context.host.name,
  ) as { machine?: Machine | null } | undefined
  return row?.machine ?? null
}

/** Compares the machine that answers with the one that was trusted, and with the run that should lie there. */
export const recipe = defineRecipe({
  id: 'host-identity',
  title: 'Which machine is it?',
  runbook: {
    when: 'Another machine seems to answer under the name of a host: an address that was given out again, a changed key, a folder that is gone.',
    touches:
      'Nothing. It asks the machine for its name, machine id and boot id, looks whose run lies there, and shows both identities beside each other. A machine that is another one ends it as failed; what cannot be compared is said to be unknown.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    machineId: z.string().default('').describe('machine id that it has to have, learnt by another way'),
  }),
  serves: [{ rule: 'another-machine' }, { rule: 'audit.host-identity' }],
  cells: [
    {
      name: 'compare',
      title: 'Compare both identities',
      risk: 'read',
      timeoutSeconds: 90,
      plan: looksOnly(),
      run: async (context) => {
        const [now, known] = [await context.host.identity(context.signal), await pinned(context)]
        const wanted = context.parameters.machineId || known?.machineId || null
        const facts: { what: string; was: string | null; now: string | null }[] = [
          { what: 'machine id', was: wanted, now: now.machineId },
        ]
        if (context.host.folder !== null && context.run !== null) {
          const fact = readFacts((await ask(context, source, [context.host.folder])).text)
          facts.push({ what: 'run in its folder', was: context.run.id, now: fact('run') })
        }
        for (const { what, was, now: is } of facts)
          context.say(clean(`${what}: then ${was ?? 'unknown'}, now ${is ?? 'unknown'}`))
        const [machine] = facts
        const differs = isText(machine?.was) && isText(machine?.now) && machine.was !== machine.now
        const foreign = facts.find(({ what, was, now: is }) => what === 'run in its folder' && isText(is) && is !== was)
        await context.record('facts', facts)
        if (differs || foreign !== undefined)
          return context.fail(
            differs
              ? `Another machine answers as ${context.host.name}.`
              : `Another run lies in the folder on ${context.host.name}.`,
            'Touch nothing there. Look at the console of the provider which machine is yours, then kx host forget and trust anew.',
          )
        if (context.host.folder !== null) {
          const { isSameBoot, isFolderThere } = await lookAtRun(context)
          if (!isFolderThere) context.say('the folder of the run is not there')
          if (isSameBoot === false) return { summary: 'the same machine, started anew since the launch (reattach)' }
        }
        if (!isText(machine?.was) || !isText(machine.now))
          return { summary: 'unknown: there is no machine id to compare on one side' }
        return { summary: 'the same machine' }
      },
    },
  ],
})
