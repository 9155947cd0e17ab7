import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'

export const recipe = defineRecipe({
  id: 'sync-environment',
  title: 'Sync the packages of the plan',
  runbook: {
    when: 'A machine is new to the run, or the lock of the plan has changed.',
    touches:
      'What `kx env` does: a uv where there is none, an environment of its own on the data tier, exactly the pins of the lock, and a check of every version. An environment with other pins lies beside it and is not changed. Where the image is the environment, nothing is installed.',
    back: 'Nothing that runs is changed by it. An environment that nobody needs any more is a folder below `kx-env` on the data tier, and may be removed by hand.',
  },
  parameters: z.object({}),
  serves: [{ rule: 'audit.installer' }, { rule: 'audit.own-interpreter' }],
  cells: [
    {
      name: 'sync',
      title: 'uv, environment, packages, check',
      risk: 'change',
      timeoutSeconds: 4 * 3600,
      retry: { times: 1, delaySeconds: 10, isIdempotent: true },
      when: ({ run }) => (run === null ? 'there is no run, so no plan names packages' : true),
      plan: async () => ({
        change: 'unknown',
        lines: ['each of its steps (uv, environment, packages, check) looks first, and does only what is missing'],
        foundBy: 'declared',
      }),
      run: async ({ kx, fail }) => {
        const { exitCode, summary } = await kx('environment.sync')
        if (exitCode !== 0) fail(summary, 'Do what it says, then run it again: what is done is not done twice.')
        return { summary }
      },
    },
  ],
})
