import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ActContext, ActResult } from '../run/act.ts'
import type { ShownRecipe } from '../session/view.ts'
import { actOnRun } from './act.ts'
import { knownSecrets } from './known-secrets.ts'
import { validateArgs } from './line.ts'
import { allCommands } from './list/all.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

type CatalogPlaces = import('../recipe/catalog.ts').CatalogPlaces
type RecipeDescription = import('../recipe/describe.ts').RecipeDescription
type RecipeRooms = import('../recipe/request.ts').RecipeRooms

/** Where recipes lie besides those of kx. */
export async function recipePlaces({
  projectFolder,
}: Pick<CommandEnvironment, 'projectFolder'>): Promise<CatalogPlaces> {
  const { userFolders } = await import('../session/paths.ts')
  return { projectFolder, userFolder: join(userFolders(process.env).config, 'recipes') }
}

/** Recipes for the screen; text of others is made safe to show. */
export async function recipeShelf(projectFolder: string): Promise<readonly ShownRecipe[]> {
  const [{ readCatalog }, { sanitise }, { redactText, redactValue }, secrets] = await Promise.all([
    import('../recipe/catalog.ts'),
    import('../text/sanitise.ts'),
    import('../text/redact.ts'),
    knownSecrets([]),
  ])
  const safe = (text: string) => redactText(sanitise(text, { allowSgr: false }).replaceAll('\n', ' '), secrets).text
  const none = { when: '', touches: '', back: '' }
  return (await readCatalog(await recipePlaces({ projectFolder }))).map(({ id, origin, problem, description }) => ({
    id: safe(id),
    title: safe(description?.title ?? ''),
    origin,
    problem: problem === null ? null : safe(problem),
    runbook:
      description === null
        ? none
        : {
            when: safe(description.runbook.when),
            touches: safe(description.runbook.touches),
            back: safe(description.runbook.back),
          },
    parameters: (description?.parameters ?? []).map((each) => ({
      ...each,
      description: safe(each.description),
      initial: redactValue(each.initial, secrets).value,
    })),
    cells: (description?.cells ?? []).map((each) => ({ ...each, title: safe(each.title) })),
  }))
}

const refused = (summary: string, exitCode: 1 | 2 | 3 = 1): ActResult => ({ summary, exitCode, data: null })

/** `kx recipe list`. */
export async function listRecipes(env: CommandEnvironment): Promise<ActResult> {
  const { readCatalog } = await import('../recipe/catalog.ts')
  const all = await readCatalog(await recipePlaces(env))
  const broken = all.filter((each) => each.problem !== null)
  return {
    summary: `${all.length} recipe${all.length === 1 ? '' : 's'}${broken.length > 0 ? `, ${broken.length} of them broken` : ''}`,
    exitCode: broken.length > 0 ? 1 : 0,
    data: { recipes: all },
    lines: all.map(
      ({ id, origin, description, problem }) =>
        `${id.padEnd(24)} ${origin === 'kx' ? '' : `(${origin}) `}${problem === null ? (description?.title ?? '') : `broken: ${problem}`}`,
    ),
  }
}

async function described(
  env: CommandEnvironment,
  named: string,
): Promise<{ file: string; description: RecipeDescription }> {
  const [{ findRecipe }, { startRecipeProcess }] = await Promise.all([
    import('../recipe/catalog.ts'),
    import('../recipe/process.ts'),
  ])
  const file = findRecipe(await recipePlaces(env), named)
  if (file === null) throw new Refused(refused(`there is no recipe "${named}"; kx recipe list names them`))
  const child = startRecipeProcess({ onPrinted: () => {} })
  try {
    return { file, description: await child.load(file) }
  } catch (error) {
    throw new Refused(refused(`${basename(file)}: ${(error as Error).message}`))
  } finally {
    await child.close()
  }
}

/** `kx recipe show`. */
export async function showRecipe(env: CommandEnvironment, args: { readonly recipe: string }): Promise<ActResult> {
  return orRefusal(async () => {
    const { file, description } = await described(env, args.recipe)
    const { runbook, parameters, cells } = description
    return {
      summary: description.title,
      exitCode: 0,
      data: { file, ...description },
      lines: [
        `When     ${runbook.when}`,
        `Touches  ${runbook.touches}`,
        `Back     ${runbook.back}`,
        ...parameters.map(
          (each) =>
            `--${each.name} <${each.type}>  ${each.description}${each.isRequired ? ' (required)' : ` (default ${JSON.stringify(each.initial)})`}${each.environment === null ? '' : ` [${each.environment}]`}`,
        ),
        ...cells.map(
          (cell) =>
            `${cell.risk.padEnd(8)} ${cell.name}: ${cell.title} (${cell.timeoutSeconds} s; ${cell.parts.join(', ') || 'run only'})`,
        ),
      ],
    }
  })
}

/** `kx recipe check`. */
export async function checkRecipeCommand(
  env: CommandEnvironment,
  args: { readonly recipe: string },
): Promise<ActResult> {
  return orRefusal(async () => {
    const [{ findRecipe }, { checkRecipe }] = await Promise.all([
      import('../recipe/catalog.ts'),
      import('../recipe/check.ts'),
    ])
    const file = findRecipe(await recipePlaces(env), args.recipe)
    if (file === null) return refused(`there is no recipe "${args.recipe}"; kx recipe list names them`)
    let description: RecipeDescription | null = null
    let broken: string | null = null
    try {
      description = (await described(env, file)).description
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      broken = error.result.summary
    }
    const found = checkRecipe(readFileSync(file, 'utf8'), description)
    const findings =
      broken === null
        ? found
        : [...found, { rule: 'broken' as const, severity: 'error' as const, line: null, text: broken }]
    const errors = findings.filter((each) => each.severity === 'error').length
    return {
      summary: `${basename(file)}: ${errors} error${errors === 1 ? '' : 's'}, ${findings.length - errors} to think about`,
      exitCode: errors > 0 ? 1 : 0,
      data: { file, findings },
      lines: findings.map(
        ({ severity, line, rule, text }) =>
          `${severity.padEnd(5)} ${line === null ? '' : `line ${line} `}${rule}: ${text}`,
      ),
    }
  })
}

/** `kx recipe new`. */
export async function newRecipeCommand(env: CommandEnvironment, args: { readonly id: string }): Promise<ActResult> {
  const { newRecipe, newRecipeTest } = await import('../recipe/new.ts')
  return writeNewRecipe(env, args.id, newRecipe(args.id), newRecipeTest(args.id))
}

/** A new recipe of the project and its test; refused where one of them is there. */
export function writeNewRecipe(
  env: Pick<CommandEnvironment, 'projectFolder'>,
  id: string,
  recipe: string,
  test: string,
): ActResult {
  const folder = join(env.projectFolder, 'recipes')
  const files = [
    [join(folder, `${id}.mjs`), recipe],
    [join(folder, `${id}.test.mjs`), test],
  ] as const
  const there = files.find(([file]) => existsSync(file))
  if (there !== undefined) return refused(`${there[0]} is there already: choose another id`)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of files) writeFileSync(file, text, { flag: 'wx' })
  return {
    summary: `wrote recipes/${id}.mjs and its test; try it: kx recipe run ${id} --dry-run`,
    exitCode: 0,
    data: { files: files.map(([file]) => file) },
    lines: [`test it with: node --test recipes/${id}.test.mjs`],
  }
}

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

/** The result of what was refused, or of the work. */
export async function orRefusal(work: () => Promise<ActResult>): Promise<ActResult> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refused) return error.result
    throw error
  }
}
