import type { ActContext } from '../run/act.ts'
import type { Plan } from '../spec/schema.ts'
import { plannedEnvironment, readReady } from './place.ts'

export type Usable =
  | {
      readonly kind: 'usable'
      /** The plan with the variables that lead to the synced packages; the plan itself where nothing is synced. */
      readonly plan: Plan
      /** For a person: what units will run in. */
      readonly words: string
    }
  | { readonly kind: 'refused'; readonly why: string; readonly exitCode: 1 | 4 }

/**
 * The plan as units are to be started on this host. A plan for uv gets the synced interpreter by PATH and VIRTUAL_ENV, as
 * if it had been activated, so that `python`, `torchrun` and the rest are those of the lock. Without it nothing is
 * started: the Python of the machine would be another one, and nobody would see it.
 */
export async function usableEnvironment(
  ctx: Pick<ActContext, 'host' | 'profile' | 'signal' | 'loaded'>,
): Promise<Usable> {
  const { plan } = ctx.loaded
  const planned = await plannedEnvironment(ctx)
  if (planned.kind === 'nothing') return { kind: 'usable', plan, words: planned.words }
  if (planned.kind === 'refused') return planned
  const { place } = planned
  const ready = await readReady(ctx.host, place)
  if (ready === null)
    return {
      kind: 'refused',
      why: `the packages of ${planned.wanted.file} are not synced on ${ctx.host.name}. Sync them: kx env, or E on the audit screen.`,
      exitCode: 1,
    }
  const asked = await ctx.host.exec(['sh', '-c', 'printf %s "$PATH"'], { timeoutSeconds: 15, signal: ctx.signal })
  const path = new TextDecoder().decode(asked.stdout)
  if (asked.ending.kind !== 'exited' || asked.ending.code !== 0 || path === '')
    return { kind: 'refused', why: `${ctx.host.name} does not say its PATH.`, exitCode: 4 }
  return {
    kind: 'usable',
    plan: {
      ...plan,
      environmentVariables: {
        ...plan.environmentVariables,
        PATH: `${place.venv}/bin:${plan.environmentVariables.PATH ?? path}`,
        VIRTUAL_ENV: place.venv,
      },
    },
    words: `Python ${ready.python} with ${ready.packages} packages in ${place.venv}`,
  }
}
