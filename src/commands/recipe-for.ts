import type { ActResult } from '../run/act.ts'
import type { RunState } from '../run/types.ts'
import type { CheckedItem } from '../walk/item.ts'
import { runRecipeCommand } from './recipe-run.ts'
import { orRefusal } from './recipes.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

type CatalogEntry = import('../recipe/catalog.ts').CatalogEntry
type ServedFinding = import('../recipe/contract.ts').ServedFinding

/** Something that is wrong, wherever in kx it was found. */
export interface Served extends ServedFinding {
  readonly rule: string
  /** Recipe that it names itself; empty: none. */
  readonly recipe: string
  /** What a person does about it where no recipe does. */
  readonly remedy: string
}

/** An item of the audit as a recipe is told of it. */
function servedItem({ id, recipe = '', fix = 'look at it', reason, evidence }: CheckedItem): Served {
  const { host = null, summary, value, detail } = evidence
  const figures = { ...value, text: summary, ...(detail === undefined ? {} : { detail }) }
  return { rule: id, recipe, remedy: fix, host, unit: null, text: reason ?? summary, evidence: figures }
}

const isWrong = ({ result }: CheckedItem) => result === 'fail' || result === 'unknown'

/**
 * What is named: an open finding by its id or its rule, or an item of the newest audit (of a host, where one is given) that
 * is not well. Null: nothing of the kind is wrong.
 */
export function servedFinding(state: RunState, named: string, host?: string): Served | null {
  const open = state.findings.filter((each) => each.closedAtMs === null)
  const finding =
    state.findings.find((each) => each.findingId === named) ??
    open.find((each) => each.rule === named && (host === undefined || (each.host ?? host) === host))
  if (finding !== undefined) {
    const { rule, recipe, remedy, host: at = null, unit = null, text, evidence } = finding
    return { rule, recipe, remedy, host: at, unit, text, evidence: { text: evidence } }
  }
  const reports = state.proofs.filter(
    (proof) => proof.kind === 'AuditReport' && (host === undefined || proof.host?.host === host),
  )
  // Of several hosts the newest report of each counts; what was mended since is no trouble any more.
  const newest = new Map(reports.map((proof) => [proof.host?.host, proof]))
  const items = [...newest.values()].toReversed().flatMap((proof) => proof.items)
  const item = items.find((each) => each.id === named && isWrong(each))
  return item === undefined ? null : servedItem(item)
}

interface ForArgs {
  readonly finding: string
  readonly host?: string | undefined
}

/** What is named, and the recipes for it, the best one first. Throws Refused where there is none. */
async function serving(env: CommandEnvironment, args: ForArgs) {
  const [{ recipePlaces }, { readCatalog }, { recipeFor, servesRule }, { readRunState }, { runFolder }, ids] =
    await Promise.all([
      import('./recipes.ts'),
      import('../recipe/catalog.ts'),
      import('../recipe/serves.ts'),
      import('../run/reader.ts'),
      import('../run/folder.ts'),
      import('../session/current-run.ts'),
    ])
  const { projectFolder, runId } = env
  const id = runId === null ? ids.currentRunId(projectFolder, Date.now()) : ids.findRunId(projectFolder, runId)
  const state = id === null ? null : readRunState(runFolder(projectFolder, id))
  const found = state === null ? null : servedFinding(state, args.finding, args.host)
  const refuse = (summary: string) => new Refused({ summary, exitCode: 1, data: null })
  if (found === null)
    throw refuse(
      `there is no open finding and no failed item of the audit "${args.finding}"; kx patrol and kx audit name them`,
    )
  const catalog = await readCatalog(await recipePlaces(env))
  const best = recipeFor(catalog, found)
  if (best === null) throw refuse(`no recipe serves ${found.rule}. What helps: ${found.remedy}`)
  const serves = (each: CatalogEntry) => each.description?.serves.some((rule) => servesRule(rule, found.rule)) === true
  return { found, recipes: [best, ...catalog.filter((each) => each !== best && serves(each))] }
}

/** `kx recipe for`: the recipe that serves a finding, filled in from it. */
export async function recipeForFinding(
  env: CommandEnvironment,
  args: ForArgs & { readonly dryRun: boolean },
): Promise<ActResult> {
  return orRefusal(async () => {
    const { found, recipes } = await serving(env, args)
    return runRecipeCommand(env, {
      recipe: recipes[0]?.id,
      ...(found.host === null ? {} : { hosts: found.host }),
      dryRun: args.dryRun,
      yes: false,
      retryFailed: false,
      parameters: {},
      finding: args.finding,
    })
  })
}

/** Recipes for something that is wrong, the best one first, with what each takes from it. */
export interface RecipeOffer {
  readonly kind: 'recipe-offer'
  /** Id or rule of the finding, or item of the audit: as it was asked about. */
  readonly finding: string
  readonly rule: string
  readonly host: string | null
  readonly text: string
  readonly recipes: readonly { readonly id: string; readonly parameters: Readonly<Record<string, unknown>> }[]
}

/** Which recipes are for something that is wrong, and what each takes from it. Nothing is run. */
export async function offerRecipes(env: CommandEnvironment, args: ForArgs): Promise<ActResult> {
  return orRefusal(async () => {
    const { startRecipeProcess } = await import('../recipe/process.ts')
    const { found, recipes } = await serving(env, args)
    const { rule, host, text } = found
    const process = startRecipeProcess({ onPrinted: () => {} })
    const filled: RecipeOffer['recipes'][number][] = []
    try {
      for (const { id, file } of recipes) {
        await process.load(file)
        filled.push({ id, parameters: await process.fill(rule, found) })
      }
    } finally {
      await process.close()
    }
    const offer: RecipeOffer = { kind: 'recipe-offer', finding: args.finding, rule, host, text, recipes: filled }
    env.progress({ text: '', result: offer })
    const [best, ...more] = recipes.map(({ id }) => id)
    const others = more.length === 0 ? '' : ` (or ${more.join(', ')})`
    return {
      summary: `${best} is for ${rule}${others}, filled in from it. Tab reads when to use it; d tries it dry, r runs it.`,
      exitCode: 0,
      data: offer,
    }
  })
}

/** A recipe that can be run about an item, as a line to paste. */
interface Offer {
  readonly item: string
  readonly host: string | null
  readonly recipe: string
  readonly command: string
}

/** Items of an audit of one host, or of each of several. */
function itemsIn(data: unknown): readonly CheckedItem[] {
  const { items, hosts } = (data ?? {}) as {
    readonly items?: readonly CheckedItem[]
    readonly hosts?: Readonly<Record<string, { readonly data: unknown }>>
  }
  return [...(items ?? []), ...Object.values(hosts ?? {}).flatMap((each) => itemsIn(each.data))]
}

/** What an audit found, with what can be run about it. The audit itself is done: nothing here makes it fail. */
export async function withRecipes(env: CommandEnvironment, result: ActResult): Promise<ActResult> {
  // On a screen the key of the item says it; a script and a terminal want the line.
  if (env.via !== 'cli' && env.via !== 'prompt') return result
  const wrong = itemsIn(result.data).filter((item) => item.recipe !== undefined && isWrong(item))
  if (wrong.length === 0) return result
  const next = await offersFor(env, wrong.map(servedItem))
  const said = next.map(({ item, host, command }) => `  ${item}${host === null ? '' : ` on ${host}`}: ${command}`)
  return {
    ...result,
    data: { ...(result.data as object), next },
    lines: [...(result.lines ?? []), 'What to do next, where a recipe is for it:', ...said],
  }
}

/** Fills the recipes in from what was found; one process reads them all. */
async function offersFor(env: CommandEnvironment, found: readonly Served[]): Promise<readonly Offer[]> {
  const [{ recipePlaces }, { readCatalog }, { recipeFor }, { startRecipeProcess }] = await Promise.all([
    import('./recipes.ts'),
    import('../recipe/catalog.ts'),
    import('../recipe/serves.ts'),
    import('../recipe/process.ts'),
  ])
  const catalog = await readCatalog(await recipePlaces(env))
  const process = startRecipeProcess({ onPrinted: () => {} })
  const offers: Offer[] = []
  try {
    for (const served of found) {
      const entry = recipeFor(catalog, served)
      if (entry === null) continue
      const filled = await process
        .load(entry.file)
        .then(() => process.fill(served.rule, served))
        .catch(() => ({}))
      offers.push(await offerOf(entry, served, filled))
    }
  } finally {
    await process.close()
  }
  return offers
}

async function offerOf(
  { id, description }: CatalogEntry,
  { rule, host }: Served,
  filled: Readonly<Record<string, unknown>>,
): Promise<Offer> {
  const { shellJoin } = await import('../text/shell.ts')
  const flags = Object.entries(filled).flatMap(([name, value]) => [
    `--${name}`,
    Array.isArray(value) ? value.join(',') : String(value),
  ])
  // What only a person knows is left open to see.
  const open = (description?.parameters ?? []).filter((each) => each.isRequired && filled[each.name] === undefined)
  const words = ['kx', 'recipe', 'run', id, ...(host === null ? [] : ['--host', host]), ...flags]
  return {
    item: rule,
    host,
    recipe: id,
    command: [shellJoin(words), ...open.map((each) => `--${each.name} …`)].join(' '),
  }
}
