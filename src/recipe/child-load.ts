import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { defineRecipe, type Recipe } from './contract.ts'
import { NotARecipe } from './describe.ts'
import { hasRecipeExport, markdownRecipe, moduleOf, scriptRecipe } from './plain.ts'

/** Built, everything of kx's own lies beside this module; unbuilt, in the sources. */
const isBuilt = !import.meta.url.endsWith('.ts')
/** What `kx/recipe`, `zod` and `zx` are. Found before the hook stands: looking for them passes through it. */
const ownModules = (): Readonly<Record<string, string>> => ({
  'kx/recipe': new URL(isBuilt ? `./recipes/lib/contract.mjs` : `./contract.ts`, import.meta.url).href,
  zod: isBuilt ? new URL(`./recipes/lib/zod.mjs`, import.meta.url).href : import.meta.resolve('zod'),
  zx: import.meta.resolve('zx'),
})
let isHooked = false

/**
 * Recipes may lie anywhere, also where nothing is installed: `kx/recipe`, `zod` and `zx` are those of kx. What a plain
 * script imports as `zx` is bound to the host of its cell.
 */
function hook(): void {
  if (isHooked) return
  isHooked = true
  const modules = ownModules()
  registerHooks({
    resolve: (specifier, context, next) => {
      const made = moduleOf(specifier, context.parentURL ?? null)
      if (made !== null) return { url: made, format: 'module', shortCircuit: true }
      const own = modules[specifier]
      const isOurs = context.parentURL?.startsWith('file:') === true && context.parentURL.includes('/node_modules/')
      if (own !== undefined && !isOurs) return { url: own, shortCircuit: true }
      return next(specifier, context)
    },
    load: (url, context, next) => {
      const source = moduleOf.sourceOf(url)
      return source === null ? next(url, context) : { source, format: 'module', shortCircuit: true }
    },
  })
}

/** Loads a recipe, a plain zx script or a Markdown file. Throws with what is wrong and where. */
export async function loadRecipe(file: string): Promise<{ recipe: Recipe; isPlain: boolean }> {
  if (!existsSync(file)) throw new NotARecipe(`there is no file ${file}`)
  hook()
  const source = readFileSync(file, 'utf8')
  if (extname(file) === '.md') return { recipe: markdownRecipe(file, source), isPlain: true }
  if (!hasRecipeExport(source)) return { recipe: scriptRecipe(file, source), isPlain: true }
  const module = (await import(pathToFileURL(file).href)) as { readonly recipe?: Recipe }
  if (module.recipe === undefined) throw new NotARecipe(`${fileURLToPath(pathToFileURL(file))} exports no "recipe"`)
  return { recipe: defineRecipe(module.recipe), isPlain: false }
}
