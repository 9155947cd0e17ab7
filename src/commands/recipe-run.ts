import type { ActContext, ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import { validateArgs } from './line.ts'
import { allCommands } from './list/all.ts'
import { orRefusal, recipePlaces, refused } from './recipes.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

type RecipeRooms = import('../recipe/request.ts').RecipeRooms

export interface RunArgs {
  readonly recipe?: string | undefined
  readonly host?: string | undefined
  readonly hosts?: string | undefined
  readonly dryRun: boolean
  readonly yes: boolean
  readonly frozen?: string | undefined
  readonly resume?: string | undefined
  readonly retryFailed: boolean
  readonly parameters: Readonly<Record<string, unknown>>
  /** Finding that it is run for, by id or rule, or item of the audit. */
  readonly finding?: string | undefined
}

/** `kx recipe run`. */
export async function runRecipeCommand(env: CommandEnvironment, args: RunArgs): Promise<ActResult> {
  return orRefusal(async () => {
    const { findRecipe } = await import('../recipe/catalog.ts')
    const isResumed = args.resume !== undefined || args.retryFailed
    const file = args.recipe === undefined ? null : findRecipe(await recipePlaces(env), args.recipe)
    if (file === null && args.recipe !== undefined)
      return refused(`there is no recipe "${args.recipe}"; kx recipe list names them`)
    if (file === null && !isResumed) return refused('which recipe? kx recipe list names them', 2)
    const child = await earlyChild(file)
    const result = actOnRun(
      env,
      'recipe.run',
      // As it was named: by these the same act can be run again.
      { ...args },
      { startsRun: true, ofLaunch: 'alone', isDryRun: args.dryRun, title: `Recipe ${args.recipe ?? 'resumed'}` },
      async (context) => {
        const [{ runRecipe, frozenBy, lastRecipeRun }, { servedFinding }] = await Promise.all([
          import('../recipe/runner.ts'),
          import('./recipe-for.ts'),
        ])
        const rooms = await roomsFor(env, context, child.start)
        const resume = isResumed ? lastRecipeRun(context.run, args.resume ?? 'last', file) : null
        if (isResumed && resume === null) return refused('there is no run of a recipe to go on with')
        const frozen = args.frozen === undefined ? null : frozenBy(rooms, args.frozen)
        if (args.frozen !== undefined && frozen === null)
          return refused(`cell ${args.frozen} is no dry run of a recipe`)
        return runRecipe(rooms, {
          file: file ?? '',
          parameters: args.parameters,
          hosts: hostsOf(context, args),
          host: args.host ?? null,
          isDryRun: args.dryRun,
          isYes: args.yes,
          frozen,
          resume,
          isFailedOnly: args.retryFailed,
          finding: findingFor(context, args, servedFinding),
        })
      },
    )
    return result.finally(() => child.close())
  })
}

/** `kx recipe resume`: goes on with a recipe run where it was cut short. */
export async function resumeRecipeCommand(
  env: CommandEnvironment,
  { run, yes }: { readonly run: string; readonly yes: boolean },
): Promise<ActResult> {
  return runRecipeCommand(env, { dryRun: false, yes, retryFailed: false, parameters: {}, resume: run })
}

/** `kx recipe undo`. */
export async function undoRecipeCommand(
  env: CommandEnvironment,
  args: { readonly run: string; readonly yes: boolean },
): Promise<ActResult> {
  return actOnRun(env, 'recipe.undo', args, { ofLaunch: 'alone' }, async (context) => {
    const { undoRecipe, lastRecipeRun } = await import('../recipe/runner.ts')
    const resume = lastRecipeRun(context.run, args.run, null)
    if (resume === null) return refused('there is no run of a recipe to take back')
    return undoRecipe(await roomsFor(env, context), { file: '', isYes: args.yes, resume })
  })
}

/** What it is run for, as the run knows it; a name that it does not know is refused. */
function findingFor(
  { run }: ActContext,
  { finding, host, hosts }: RunArgs,
  find: typeof import('./recipe-for.ts').servedFinding,
) {
  if (finding === undefined) return null
  const one = host ?? (hosts === undefined || hosts === 'all' || hosts.includes(',') ? undefined : hosts)
  const found = find(run.state(), finding, one)
  if (found === null)
    throw new Refused(refused(`there is no open finding and no failed item of the audit "${finding}"`))
  return found
}

function hostsOf({ loaded, run }: ActContext, args: Pick<RunArgs, 'host' | 'hosts'>): readonly string[] {
  const all = run.state().fleet?.hosts ?? loaded.plan.hosts
  if (args.hosts === 'all') return all.length > 0 ? all : ['local']
  const named = (args.hosts ?? args.host ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  return named.length > 0 ? [...new Set(named)] : [all[0] ?? 'local']
}

/** The process of a recipe, begun and its file read while the run and the hosts are opened. */
async function earlyChild(file: string | null) {
  const { startRecipeProcess } = await import('../recipe/process.ts')
  let printed = ''
  let take: ((text: string) => void) | null = null
  const process = startRecipeProcess({
    onPrinted: (text) => {
      if (take === null) printed += text
      else take(text)
    },
  })
  // Whoever asks for it hears what is wrong with it.
  if (file !== null) process.load(file).catch(() => {})
  return {
    start: (onPrinted: (text: string) => void) => {
      if (printed !== '') onPrinted(printed)
      take = onPrinted
      return process
    },
    close: () => process.close(),
  }
}

/** What a recipe has to do with kx: hosts, cells, questions, and every other command behind its own gate. */
async function roomsFor(
  env: CommandEnvironment,
  context: ActContext,
  begun?: Awaited<ReturnType<typeof earlyChild>>['start'],
): Promise<RecipeRooms> {
  const [{ createLocalHost }, { bareEnvironment }, { startRecipeProcess }] = await Promise.all([
    import('../host/local.ts'),
    import('../host/child-environment.ts'),
    import('../recipe/process.ts'),
  ])
  const { openStep, reach, claim } = context
  if (openStep === undefined || reach === undefined || claim === undefined)
    throw new Error('a recipe needs a run to be recorded in')
  return {
    context,
    ask: askedOf(env.ask, (text) => context.run.scrub(text)),
    openStep,
    reach: async (name) => reach(name),
    claim,
    here: createLocalHost({ env: bareEnvironment() }),
    start: () => {
      const onPrinted = (text: string) => context.cell.stdout(text)
      return begun?.(onPrinted) ?? startRecipeProcess({ onPrinted })
    },
    kx: async (commandId, args) => {
      const spec = allCommands().get(commandId)
      if (spec?.run === undefined) throw new Error(`kx has no command ${commandId}`)
      if (commandId.startsWith('recipe.')) throw new Error('a recipe does not run another one')
      const checked = validateArgs(spec, args)
      if (!checked.ok) throw new Error(checked.text)
      const result = await spec.run({ ...env, runId: context.run.id, signal: context.signal }, checked.parsed.args)
      // As plain data: it goes to another process.
      const data = JSON.parse(JSON.stringify(result.data ?? null)) as unknown
      return { exitCode: result.exitCode, summary: result.summary, data }
    },
  }
}

/** What a recipe asks and plans is its own words, and may hold what must not be seen. */
function askedOf(ask: CommandEnvironment['ask'], masked: (text: string) => string): RecipeRooms['ask'] {
  return {
    confirm: (question, detail) => ask.confirm(masked(question), detail.map(masked)),
    typed: (question, expected, detail) => ask.typed(masked(question), expected, detail.map(masked)),
    text: (question, initial) => ask.text(masked(question), initial),
  }
}
