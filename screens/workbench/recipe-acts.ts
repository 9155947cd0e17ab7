import { z } from 'zod'
import type { RecipeOffer } from '../../src/commands/recipe-for.ts'
import type { CommandSpec } from '../../src/commands/types.ts'
import type { Shelves } from '../../src/session/view.ts'
import type { Desk } from './desk.ts'
import type { Layers } from './layers.ts'

type Shown = NonNullable<NonNullable<Shelves['recipes']>[number]>

/** A field of a form for one parameter; what is left empty takes the default of the recipe. */
function fieldOf({ type, choices, description, isRequired, initial }: Shown['parameters'][number]): z.ZodType {
  const plain: z.ZodType =
    type === 'number'
      ? z.number()
      : type === 'boolean'
        ? z.boolean()
        : type === 'choice'
          ? z.enum(choices as [string, ...string[]])
          : type === 'list'
            ? z.array(z.string())
            : z.string()
  const described = plain.describe(description)
  if (isRequired) return described
  return initial === null ? described.optional() : described.default(initial as never)
}

const asFlag = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

interface Asked {
  readonly isDryRun: boolean
  /** What it is run for. */
  readonly finding: string | null
  /** What a person entered: it stands in the form the next time. */
  readonly onGiven: (values: Readonly<Record<string, unknown>>) => void
}

/** The command that runs one recipe, with its parameters as arguments: a form can be made of it. */
function specOf(run: CommandSpec, shown: Shown, { isDryRun, finding, onGiven }: Asked): CommandSpec {
  const hosts = z.string().optional().describe('hosts with commas, or all; default: the first of the plan')
  const fields = Object.fromEntries(shown.parameters.map((each) => [each.name, fieldOf(each)]))
  return {
    ...run,
    title: `${isDryRun ? 'Dry run' : 'Run'}: ${shown.title}`,
    args: z.object({ ...fields, hosts }),
    run: async (env, given) => {
      const { hosts: chosen, ...values } = given as Record<string, unknown>
      onGiven(given as Record<string, unknown>)
      const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
      const args = run.args.parse({
        recipe: shown.id,
        dryRun: isDryRun,
        ...(finding === null ? {} : { finding }),
        ...(typeof chosen === 'string' && chosen !== '' ? { hosts: chosen } : {}),
        parameters: Object.fromEntries(set.map(([name, value]) => [name, asFlag(value)])),
      })
      if (run.run === undefined) throw new Error('recipe.run has no act')
      return run.run(env, args)
    },
  }
}

/** Asks for the parameters of the recipe under the cursor, then runs it or says what it would do. */
export function askForRecipe(desk: Desk, layers: Layers, isDryRun: boolean): void {
  const recipes = desk.workspace.shelves().recipes ?? []
  const shown = recipes.find((each) => each.id === desk.selected('list')) ?? recipes[0]
  const run = desk.registry.get('recipe.run')
  if (shown === undefined || run === undefined) return desk.say('the recipes are being read', 'warn')
  if (shown.problem !== null) return desk.say(`${shown.id} is broken: ${shown.problem}`, 'warn')
  const offered = desk.offer?.recipes.find(({ id }) => id === shown.id)
  const offer = offered === undefined ? null : desk.offer
  const key = `${shown.id} ${offer?.finding ?? ''}`
  const onGiven: Asked['onGiven'] = (values) => desk.given.set(key, values)
  const fromFinding = { ...offered?.parameters, ...(offer == null || offer.host === null ? {} : { hosts: offer.host }) }
  // What was tried dry is what is run: the form keeps what was changed in it.
  layers.openForm(
    // What another screen found is in no record of the run.
    specOf(run, shown, { isDryRun, finding: offer?.finding || null, onGiven }),
    desk.given.get(key) ?? fromFinding,
  )
}

/** Whether an act came to recipes for a finding. */
export function isOffer(data: unknown): data is RecipeOffer {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'recipe-offer'
}

/** Goes to the recipe that a finding names first; its form is filled in from the finding. */
export function showOffer(desk: Desk, offer: RecipeOffer): void {
  desk.offer = offer
  desk.do({ type: 'go', screen: 'recipes' })
  desk.do({ type: 'filter', pane: 'list', filter: '' })
  desk.do({ type: 'focus', pane: 'list' })
  // Its row stands first, also where the recipes are still being read.
  const id = offer.recipes[0]?.id
  if (id !== undefined) desk.do({ type: 'move', pane: 'list', to: 0, rowIds: [id], height: 1 })
  desk.loadSoon()
}
