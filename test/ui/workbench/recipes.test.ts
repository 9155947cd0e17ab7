import { expect, it } from 'vitest'
import { askForRecipe } from '../../../screens/workbench/recipe-acts.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import type { RecipeOffer } from '../../../src/commands/recipe-for.ts'
import type { CommandEnvironment, CommandSpec } from '../../../src/commands/types.ts'
import type { ShownRecipe } from '../../../src/session/view.ts'
import { makeStage } from './stage.ts'

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

function asked(recipe: ShownRecipe, isDryRun: boolean, offer: RecipeOffer | null = null) {
  const said: string[] = []
  const forms: CommandSpec[] = []
  const filled: unknown[] = []
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
    offer,
    given: new Map(),
    registry: { get: () => recording },
    say: (text: string) => said.push(text),
  }
  const openForm = (spec: CommandSpec, values: unknown) => {
    forms.push(spec)
    filled.push(values)
  }
  const ask = (dry: boolean) => askForRecipe(desk as never, { openForm } as never, dry)
  ask(isDryRun)
  return { said, form: forms[0], forms, filled, given, ask }
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

it('fills the form in from what it is for, and keeps what was changed in it for the next time', async () => {
  const offer: RecipeOffer = {
    ...{ kind: 'recipe-offer', finding: 'disk-bytes/data', rule: 'disk-bytes/data', host: 'b', text: 'full' },
    recipes: [{ id: 'free-disk', parameters: { folder: '/data' } }],
  }
  const { form, filled, given, ask } = asked(shown(), true, offer)
  expect(filled).toEqual([{ folder: '/data', hosts: 'b' }])
  const changed = form?.args.parse({ folder: '/data', hosts: 'b', keep: 5 }) as Record<string, unknown>
  await form?.run?.({} as CommandEnvironment, changed)
  expect(given).toMatchObject([{ finding: 'disk-bytes/data', hosts: 'b', parameters: { folder: '/data', keep: '5' } }])
  ask(false)
  expect(filled[1]).toMatchObject({ folder: '/data', keep: 5, hosts: 'b' })
  const other = asked(shown({ id: 'move-caches' }), true, offer)
  expect(other.filled).toEqual([{}])
})

it('opens no form for a recipe that is broken, and says why', () => {
  const { said, form } = asked(shown({ problem: 'it has no cells' }), false)
  expect(form).toBeUndefined()
  expect(said).toEqual(['free-disk is broken: it has no cells'])
})

it('is filled in and sent off by keys, with what was typed checked before it runs', async () => {
  const given: unknown[] = []
  const required = { choices: [], isRequired: true, initial: null } as const
  const stage = makeStage({
    ui: { screen: 'recipes' },
    size: { columns: 100, rows: 40 },
    shelves: {
      recipes: [
        shown({
          parameters: [
            { name: 'folder', type: 'text', description: 'where', ...required },
            { name: 'keep', type: 'number', description: 'kept', choices: [], isRequired: false, initial: 3 },
          ],
        }),
      ],
    },
    runs: {
      'recipe.run': async (_env, args) => {
        given.push(args)
        return { summary: 'done', exitCode: 0, data: null }
      },
    },
  })
  await stage.press('r')
  const form = () => {
    const overlay = stage.controller.get().overlay
    return overlay?.kind === 'form' ? overlay : null
  }
  expect(form()?.title).toContain('Run: Free the disk')
  // Nothing typed: what is required is still wanted, and nothing runs.
  await stage.press('enter', 'enter', 'enter')
  expect([given, Object.keys(form()?.state.errors ?? {})]).toEqual([[], ['folder']])
  const to = async (field: string) => {
    const at = () => form()?.state.fields[form()?.state.index ?? 0]?.name
    for (let i = 0; i < 3 && at() !== field; i += 1) await stage.press('tab')
    expect(at()).toBe(field)
  }
  await to('keep')
  await stage.press('backspace', '"many"')
  await to('folder')
  await stage.press('"/data"')
  await to('hosts')
  await stage.press('"a,b"', 'enter')
  expect([given, Object.keys(form()?.state.errors ?? {})]).toEqual([[], ['keep']])
  await to('keep')
  await stage.press('ctrl+u', '"5"')
  await to('hosts')
  await stage.press('enter')
  expect(form()).toBe(null)
  const parameters = { folder: '/data', keep: '5' }
  expect(given).toMatchObject([{ recipe: 'free-disk', hosts: 'a,b', dryRun: false, parameters }])
})
