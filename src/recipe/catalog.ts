import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, extname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RecipeDescription } from './describe.ts'
import { startRecipeProcess } from './process.ts'

/** One recipe that can be run by its name. */
export interface CatalogEntry {
  readonly id: string
  readonly file: string
  /** Who wrote it: kx, the user (config folder), or the project. */
  readonly origin: 'kx' | 'user' | 'project'
  readonly description: RecipeDescription | null
  /** Why it cannot be used. */
  readonly problem: string | null
}

export interface CatalogPlaces {
  readonly projectFolder: string
  /** The user's own recipes. */
  readonly userFolder: string
}

const extensions = ['.ts', '.mts', '.js', '.mjs', '.md']
const isRecipeFile = (name: string) =>
  extensions.includes(extname(name)) && !/\.test\.|\.d\.ts$|^README/i.test(name) && !name.startsWith('.')

/** Folder of the recipes that come with kx. */
export function shippedFolder(): string {
  const isBuilt = !import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isBuilt ? `./recipes/` : `../../recipes/`, import.meta.url))
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(isRecipeFile)
    .sort()
    .map((name) => join(folder, name))
}

/** The built kx has its own recipes described already; nobody waits for thirty modules to load. */
function builtIndex(folder: string): ReadonlyMap<string, RecipeDescription> {
  try {
    const all = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as readonly RecipeDescription[]
    return new Map(all.map((each) => [each.id, each]))
  } catch {
    return new Map()
  }
}

/** Every recipe that is there; of one name, the project's goes before the user's, and that before kx's. */
export async function readCatalog(places: CatalogPlaces): Promise<readonly CatalogEntry[]> {
  const shipped = shippedFolder()
  const index = builtIndex(shipped)
  const found = new Map<string, CatalogEntry>()
  const unread: Omit<CatalogEntry, 'description' | 'problem'>[] = []
  const folders = [
    ['kx', shipped],
    ['user', places.userFolder],
    ['project', join(places.projectFolder, 'recipes')],
  ] as const
  for (const [origin, folder] of folders)
    for (const file of filesIn(folder)) {
      const id = basename(file, extname(file))
      const description = origin === 'kx' ? index.get(id) : undefined
      if (description === undefined) unread.push({ id, file, origin })
      else found.set(id, { id, file, origin, description, problem: null })
    }
  if (unread.length > 0) for (const entry of await describeFiles(unread)) found.set(entry.id, entry)
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Reads recipes in a process of their own: what stands in them is not run in kx. */
async function describeFiles(
  entries: readonly Omit<CatalogEntry, 'description' | 'problem'>[],
): Promise<readonly CatalogEntry[]> {
  const process = startRecipeProcess({ onPrinted: () => {} })
  const described: CatalogEntry[] = []
  try {
    for (const entry of entries)
      try {
        described.push({ ...entry, description: await process.load(entry.file), problem: null })
      } catch (error) {
        described.push({ ...entry, description: null, problem: error instanceof Error ? error.message : String(error) })
      }
  } finally {
    await process.close()
  }
  return described
}

/** Where a recipe lies that was named: a path, or the name of one in the folders. Null: there is none. */
export function findRecipe(places: CatalogPlaces, named: string): string | null {
  if (named.includes('/') || extensions.includes(extname(named))) {
    const path = isAbsolute(named) ? named : resolve(places.projectFolder, named)
    return existsSync(path) ? path : null
  }
  for (const folder of [join(places.projectFolder, 'recipes'), places.userFolder, shippedFolder()])
    for (const extension of extensions) {
      const path = join(folder, `${named}${extension}`)
      if (existsSync(path)) return path
    }
  return null
}
