import { z } from 'zod'
import type { RunState } from '../../run/types.ts'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const named = () => z.strictObject({ recipe: z.string().min(1).describe('id of a recipe, or the path of its file') })

/** Something that is wrong, as it is named. */
const wrong = () =>
  z.strictObject({
    finding: z.string().min(1).describe('finding id or rule, or item of the audit; the selected one by default'),
    host: z.string().optional().describe('of several hosts the one that is meant'),
  })

const noRun = 'no run is open; check the plan first (1, then r)'

/** Why there is no recipe run to go on with; null: the last one was not seen to its end, or did not come to it. */
function whyNoResume(cells: RunState['cells']): string | null {
  const last = cells.findLast(
    ({ started }) => started.name === 'recipe.run' && (started.args as { dryRun?: unknown }).dryRun !== true,
  )
  if (last === undefined) return 'no recipe was run yet'
  return last.ended?.state === 'done' ? 'the last recipe run is done' : null
}

/** On the audit screen the item under the cursor has to be one that is not well; one that is named is looked up instead. */
function whyNoFinding({ run, screen, selection, given }: CommandState): string | null {
  if (run === null) return noRun
  if (given?.finding !== undefined) return null
  if (screen === 'patrol' && run.findings.every(({ closedAtMs }) => closedAtMs !== null)) return 'no finding is open'
  if (screen !== 'audit' || selection === null) return null
  const reports = run.proofs.filter((proof) => proof.kind === 'AuditReport')
  const newest = new Map(reports.map((proof) => [proof.host?.host, proof]))
  const found = [...newest.values()].flatMap(({ items }) => items.filter((item) => item.id === selection))
  if (found.length === 0) return 'nothing was audited yet; r audits the host'
  return found.some(({ result }) => result === 'fail' || result === 'unknown')
    ? null
    : `${selection} is well: there is nothing to mend`
}

/** Runbooks of cells. */
export const recipeCommands: readonly CommandSpec[] = [
  command({
    id: 'recipe.list',
    title: 'List the recipes',
    description: 'Those of kx, your own (config folder) and those of the project, with what each is for.',
    args: noArgs,
    where: [],
    risk: 'read',
    cli: ['recipe', 'list'],
    isCliDefault: true,
    run: async (env) => (await import('../recipes.ts')).listRecipes(env),
  }),
  command({
    id: 'recipe.show',
    title: 'Show a recipe',
    description: 'When to use it, what it touches, how to get back, its parameters and its cells.',
    args: named,
    positional: ['recipe'],
    where: [],
    risk: 'read',
    cli: ['recipe', 'show'],
    run: async (env, args) => (await import('../recipes.ts')).showRecipe(env, args),
  }),
  command({
    id: 'recipe.run',
    title: 'Run a recipe',
    description:
      'Plans, asks by risk, and runs its cells on the chosen hosts. Its parameters are flags: --keep 3. --dry-run only plans.',
    args: () =>
      z.strictObject({
        recipe: z.string().optional().describe('id of a recipe, or the path of its file; not needed with --resume'),
        host: z.string().optional().describe('one host; default: the first of the plan'),
        hosts: z.string().optional().describe('several hosts, with commas, or all'),
        dryRun: z.boolean().default(false).describe('only say what would change'),
        yes: z.boolean().default(false).describe('agree to changes and prices; never to what destroys'),
        frozen: z.string().optional().describe('cell of a dry run: act on exactly what it saw'),
        resume: z.string().optional().describe('cell of a recipe run that was cut short, or last: go on with it'),
        retryFailed: z.boolean().default(false).describe('go on with the last run of it, on hosts where it failed'),
        finding: z
          .string()
          .optional()
          .describe('finding (id or rule) or item of the audit that it is run for: fills its parameters in'),
        parameters: z.record(z.string(), z.string()).default({}).describe('its parameters'),
      }),
    positional: ['recipe'],
    takesFlags: 'parameters',
    isShownWhole: true,
    where: 'global',
    risk: 'change',
    cli: ['recipe', 'run'],
    run: async (env, args) => (await import('../recipe-run.ts')).runRecipeCommand(env, args),
  }),
  command({
    id: 'recipe.offer',
    title: 'Recipe for this finding',
    description:
      'Goes to the recipe that serves the finding, or the failed item of the audit, under the cursor; its form is filled in from it. Nothing is run yet.',
    args: wrong,
    positional: ['finding'],
    keys: ['F'],
    hint: 'recipe',
    where: ['patrol', 'audit'],
    risk: 'read',
    besides: 'any',
    disabled: whyNoFinding,
    run: async (env, args) => (await import('../recipe-for.ts')).offerRecipes(env, args),
  }),
  command({
    id: 'recipe.for',
    title: 'Run the recipe for a finding',
    description:
      'Runs the recipe that serves a finding, or a failed item of the audit, filled in from it; plans and asks first.',
    args: () => wrong().extend({ dryRun: z.boolean().default(false).describe('only say what would change') }),
    positional: ['finding'],
    where: [],
    risk: 'change',
    isShownWhole: true,
    cli: ['recipe', 'for'],
    run: async (env, args) => (await import('../recipe-for.ts')).recipeForFinding(env, args),
  }),
  command({
    id: 'recipe.ask',
    title: 'Run this recipe',
    description: 'Asks for its parameters, plans, asks by risk, and runs it.',
    args: noArgs,
    keys: ['r'],
    hint: 'run',
    where: ['recipes'],
    risk: 'read',
  }),
  command({
    id: 'recipe.try',
    title: 'Try this recipe dry',
    description: 'Asks for its parameters, and says what it would change.',
    args: noArgs,
    keys: ['d'],
    hint: 'dry run',
    where: ['recipes'],
    risk: 'read',
  }),
  command({
    id: 'recipe.resume',
    title: 'Go on with a recipe run',
    description: 'Looks what became of each of its cells: done ones are skipped, unknown ones are asked about.',
    args: () =>
      z.strictObject({
        run: z.string().default('last').describe('cell of the recipe run; default: the last one'),
        yes: z.boolean().default(false).describe('agree to changes and prices; never to what destroys'),
      }),
    positional: ['run'],
    keys: ['R'],
    hint: 'resume',
    where: ['recipes'],
    risk: 'change',
    isShownWhole: true,
    cli: ['recipe', 'resume'],
    disabled: ({ run, screen }) => (screen !== 'recipes' ? null : run === null ? noRun : whyNoResume(run.cells)),
    run: async (env, args) => (await import('../recipe-run.ts')).resumeRecipeCommand(env, args),
  }),
  command({
    id: 'recipe.undo',
    title: 'Take back a recipe run',
    description: 'Undoes what its cells did, the last first; each undo is a cell of its own.',
    args: () =>
      z.strictObject({
        run: z.string().default('last').describe('cell of the recipe run; default: the last one'),
        yes: z.boolean().default(false).describe('do not ask'),
      }),
    positional: ['run'],
    where: 'global',
    risk: 'change',
    cli: ['recipe', 'undo'],
    run: async (env, args) => (await import('../recipe-run.ts')).undoRecipeCommand(env, args),
  }),
  command({
    id: 'recipe.check',
    title: 'Check a recipe',
    description: 'Mutable scripts, unquoted data, secrets, missing timeouts, missing ways back.',
    args: named,
    positional: ['recipe'],
    where: [],
    risk: 'read',
    cli: ['recipe', 'check'],
    run: async (env, args) => (await import('../recipes.ts')).checkRecipeCommand(env, args),
  }),
  command({
    id: 'recipe.new',
    title: 'Begin a recipe',
    description: 'Writes a small one with every part in it, and a test that runs, into recipes/ of the project.',
    args: () =>
      z.strictObject({ id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes') }),
    positional: ['id'],
    where: [],
    risk: 'change',
    cli: ['recipe', 'new'],
    run: async (env, args) => (await import('../recipes.ts')).newRecipeCommand(env, args),
  }),
]
