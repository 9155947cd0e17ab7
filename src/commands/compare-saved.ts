import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { SavedView } from '../compare/types.ts'
import type { CompareArguments } from './compare.ts'

/** Where the views of a project are kept: beside its runs, for whoever shares the folder. */
export const viewsFolder = (projectFolder: string): string => join(projectFolder, '.kx', 'views')

/** A name that is a file name on every machine. */
export const viewName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Choices that a view keeps; where the cursor stands is none. */
const keptWords =
  /^(path|where|pick|baseline|beside|aggregator|axis|groups|group|sort|top|pin|columns|ignore|heed|all|view|smooth|log|parameter)=./s
const mostBytes = 256 * 1024
const mostWords = 500

const checkOf = (body: string) => createHash('sha256').update(body).digest('hex').slice(0, 16)

/** Those of the words that a view keeps. */
export const wordsToKeep = (words: readonly string[]): readonly string[] => words.filter((word) => keptWords.test(word))

/** Keeps a view under a name, in the place of one that was called so. Returns its path. */
export async function saveView(
  projectFolder: string,
  name: string,
  view: Pick<SavedView, 'words' | 'filter'>,
): Promise<string> {
  if (!viewName.test(name)) throw new Error(`${name} is no name for a view: letters, digits, - _ and . stand in one`)
  const { writeAtomic } = await import('../artifact/write-atomic.ts')
  const path = join(viewsFolder(projectFolder), `${name}.json`)
  const body = JSON.stringify({ words: wordsToKeep(view.words), filter: view.filter })
  await writeAtomic(path, `{"v":1,"check":"${checkOf(body)}","view":${body}}\n`)
  return path
}

/** All views of a project by their names. One that is damaged is told with the reason, and nothing of it is believed. */
export async function savedViews(projectFolder: string): Promise<readonly SavedView[]> {
  const { readdir } = await import('node:fs/promises')
  const files = await readdir(viewsFolder(projectFolder)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const names = files.flatMap((file) => (/^[^.].*\.json$/.test(file) ? [file.slice(0, -'.json'.length)] : []))
  return Promise.all(names.sort().map((name) => readView(projectFolder, name)))
}

/** One view; with a problem where there is none of that name, or it cannot be believed. */
export async function readView(projectFolder: string, name: string): Promise<SavedView> {
  const damaged = (problem: string): SavedView => ({ name, words: [], filter: '', problem })
  if (!viewName.test(name)) return damaged('this is no name for a view')
  const { open } = await import('node:fs/promises')
  try {
    const file = await open(join(viewsFolder(projectFolder), `${name}.json`), 'r')
    try {
      if ((await file.stat()).size > mostBytes) return damaged('it is too large for a view')
      return decoded(name, await file.readFile('utf8')) ?? damaged('it is damaged or was changed by hand: save it anew')
    } finally {
      await file.close()
    }
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return damaged(isGone ? 'there is no such view' : error instanceof Error ? error.message : String(error))
  }
}

function decoded(name: string, text: string): SavedView | null {
  let whole: { readonly v?: unknown; readonly check?: unknown; readonly view?: unknown } | null
  try {
    whole = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof whole !== 'object' || whole === null || whole.v !== 1) return null
  if (whole.check !== checkOf(JSON.stringify(whole.view) ?? '')) return null
  const { words, filter } = (whole.view ?? {}) as { readonly words?: unknown; readonly filter?: unknown }
  if (!Array.isArray(words) || words.length > mostWords || typeof filter !== 'string') return null
  if (!words.every((word): word is string => typeof word === 'string' && keptWords.test(word))) return null
  return { name, words, filter, problem: '' }
}

/** What `kx compare` is given with a view; what was said with the command is stronger. */
export async function withView(args: CompareArguments, { words }: SavedView): Promise<CompareArguments> {
  const { choiceOf } = await import('../compare/choice.ts')
  const choice = choiceOf(words)
  const isAsked = args.where !== undefined || args.pick !== undefined
  return {
    ...args,
    runs: args.runs.length > 0 ? args.runs : choice.paths,
    aggregator: args.aggregator === 'last' ? choice.aggregator : args.aggregator,
    group: args.group === undefined || args.group === 'auto' ? choice.grouping : args.group,
    ignore: [...args.ignore, ...choice.ignored],
    heed: [...(args.heed ?? []), ...choice.heeded],
    baseline: args.baseline ?? (choice.baseline || undefined),
    where: isAsked ? args.where : choice.where || undefined,
    pick: isAsked ? args.pick : choice.picks.length > 0 ? choice.picks : undefined,
    sort: args.sort ?? (choice.sort || undefined),
    columns: args.columns ?? (choice.columns || undefined),
    top: args.top ?? choice.top ?? undefined,
    by: args.by ?? (args.top === undefined ? (choice.by ?? undefined) : undefined),
  }
}

/** What a command was given, as the choices of a view. */
export function wordsOfArguments(args: CompareArguments): readonly string[] {
  const one = (name: string, value: string | undefined) => (value === undefined ? [] : [`${name}=${value}`])
  const every = (name: string, values: readonly string[] = []) => values.map((value) => `${name}=${value}`)
  return [
    ...every('path', args.runs),
    ...one('where', args.where),
    ...every('pick', args.pick),
    ...one('baseline', args.baseline),
    ...one('aggregator', args.aggregator),
    ...one('groups', args.group),
    ...one('sort', args.sort),
    ...one('columns', args.columns),
    ...every('ignore', args.ignore),
    ...every('heed', args.heed),
    ...one('top', args.top === undefined ? undefined : `${args.top}${args.by === undefined ? '' : ` ${args.by}`}`),
  ]
}
