import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ActResult } from '../run/act.ts'
import type { ShownRecipe } from '../session/view.ts'
import { knownSecrets } from './known-secrets.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

type CatalogPlaces = import('../recipe/catalog.ts').CatalogPlaces
type RecipeDescription = import('../recipe/describe.ts').RecipeDescription

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

/** What a command of a recipe answers where it does nothing. */
export const refused = (summary: string, exitCode: 1 | 2 | 3 = 1): ActResult => ({ summary, exitCode, data: null })

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

/** The result of what was refused, or of the work. */
export async function orRefusal(work: () => Promise<ActResult>): Promise<ActResult> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refused) return error.result
    throw error
  }
}
