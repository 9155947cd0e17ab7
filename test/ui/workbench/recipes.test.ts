import { expect, it } from 'vitest'
import { askForRecipe } from '../../../screens/workbench/recipe-acts.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import type { CommandEnvironment, CommandSpec } from '../../../src/commands/types.ts'
import type { ShownRecipe } from '../../../src/session/view.ts'

const shown = (more: Partial<ShownRecipe> = {}): ShownRecipe => ({
  id: 'free-disk',
  title: 'Free the disk',
  origin: 'kx',
  problem: null,
  runbook: { when: 'a', touches: 'b', back: 'c' },
  parameters: [
    { name: 'folder', type: 'text', description: 'where', choices: [], isRequired: true, initial: null },
    { name: 'keep', type: 'number', description: 'kept', choices: [], isRequired: false, initial: 3 },
    { name: 'deep', type: 'boolean', description: 'all', choices: [], isRequired: false, initial: false },
    { name: 'names', type: 'list', description: 'which', choices: [], isRequired: false, initial: null },
    { name: 'kind', type: 'choice', description: 'of', choices: ['a', 'b'], isRequired: false, initial: 'a' },
  ],
  cells: [],
  ...more,
})

function asked(recipe: ShownRecipe, isDryRun: boolean) {
  const said: string[] = []
  const forms: CommandSpec[] = []
  const given: unknown[] = []
  const run = allCommands().get('recipe.run') as CommandSpec
  const recording: CommandSpec = {
    ...run,
    args: run.args,
    run: async (_env, args) => {
      given.push(args)
      return { summary: '', exitCode: 0, data: null }
    },
  }
  const desk = {
    workspace: { shelves: () => ({ recipes: [recipe] }) },
    selected: () => recipe.id,
    registry: { get: () => recording },
    say: (text: string) => said.push(text),
  }
  askForRecipe(desk as never, { openForm: (spec: CommandSpec) => forms.push(spec) } as never, isDryRun)
  return { said, form: forms[0], given }
}

it('asks for the parameters of the chosen recipe, and hands them on as flags', async () => {
  const { form, given } = asked(shown(), true)
  expect(form?.title).toBe('Dry run: Free the disk')
  expect(form?.args.safeParse({}).success).toBe(false)
  const values = form?.args.parse({ folder: '/data', names: ['x', 'y'], hosts: 'all' }) as Record<string, unknown>
  await form?.run?.({} as CommandEnvironment, values)
  expect(given).toEqual([
    {
      recipe: 'free-disk',
      hosts: 'all',
      dryRun: true,
      yes: false,
      retryFailed: false,
      parameters: { folder: '/data', keep: '3', deep: 'false', names: 'x,y', kind: 'a' },
    },
  ])
})

it('opens no form for a recipe that is broken, and says why', () => {
  const { said, form } = asked(shown({ problem: 'it has no cells' }), false)
  expect(form).toBeUndefined()
  expect(said).toEqual(['free-disk is broken: it has no cells'])
})
