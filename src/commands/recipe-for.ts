import type { ActResult } from '../run/act.ts'
import type { RunState } from '../run/types.ts'
import type { CheckedItem } from '../walk/item.ts'
import { runRecipeCommand } from './recipes.ts'
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

/** `kx recipe for`: the recipe that serves a finding, filled in from it. */
export async function recipeForFinding(
  env: CommandEnvironment,
  args: { readonly finding: string; readonly host?: string | undefined; readonly dryRun: boolean },
): Promise<ActResult> {
  const [{ recipePlaces }, { readCatalog }, { recipeFor }, { readRunState }, { runFolder }, ids] = await Promise.all([
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
  const refused = (summary: string): ActResult => ({ summary, exitCode: 1, data: null })
  if (found === null)
    return refused(
      `there is no open finding and no failed item of the audit "${args.finding}"; kx patrol and kx audit name them`,
    )
  const serving = recipeFor(await readCatalog(await recipePlaces(env)), found)
  if (serving === null) return refused(`no recipe serves ${found.rule}. What helps: ${found.remedy}`)
  return runRecipeCommand(env, {
    recipe: serving.id,
    ...(found.host === null ? {} : { hosts: found.host }),
    dryRun: args.dryRun,
    yes: false,
    retryFailed: false,
    parameters: {},
    finding: args.finding,
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
