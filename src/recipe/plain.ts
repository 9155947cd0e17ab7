import { basename, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { CellContext, Recipe, RecipeCell } from './contract.ts'
import { NotARecipe } from './describe.ts'
import { type PlainScope, scopes } from './plain-scope.ts'

type Cell = RecipeCell<Record<string, unknown>>

/** Long enough for a script that nobody bounded, short enough to be noticed. */
const plainTimeoutSeconds = 3600
const zxScheme = 'kx-zx:'
const blockScheme = 'kx-block:'
const doors = Symbol.for('kx.recipe.doors')
const open = new Map<string, Record<string, unknown>>()
const sources = new Map<string, string>()
let next = 0

/** Whether a file declares cells, told by its text: a plain script must not be run to find out. */
export const hasRecipeExport = (source: string): boolean =>
  /^\s*export\s+(?:const|let|var)\s+recipe\b/m.test(source) || /^\s*export\s*\{[^}]*\brecipe\b[^}]*\}/m.test(source)

/** Where a specifier leads that only a plain script may ask for; null: not ours. */
export const moduleOf = Object.assign(
  (specifier: string, parent: string | null): string | null => {
    if (specifier.startsWith(blockScheme)) return specifier
    const door = parent === null ? null : /[?&]kx=(\d+)/.exec(parent)?.[1]
    if (door === null || door === undefined) return null
    if (specifier === 'zx' || specifier === 'zx/globals' || specifier === 'zx/core') return `${zxScheme}${door}`
    // A script's own modules are its own for each cell, so that they mean its host as well.
    return specifier.startsWith('.') && parent?.startsWith('file:') === true
      ? `${new URL(specifier, parent).href.split('?')[0]}?kx=${door}`
      : null
  },
  {
    sourceOf: (url: string): string | null => {
      if (url.startsWith(blockScheme)) return sources.get(url) ?? ''
      if (!url.startsWith(zxScheme)) return null
      const door = url.slice(zxScheme.length)
      const names = Object.keys(open.get(door) ?? {}).filter((name) => /^[$\w]+$/.test(name) && name !== 'default')
      return `const door = globalThis[Symbol.for('kx.recipe.doors')].get('${door}')
${names.map((name) => `export const ${name} = door.${name}`).join('\n')}
export { $ as default }
`
    },
  },
)

const idOf = (file: string) =>
  basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'script'

const plainRecipe = (file: string, title: string, cells: readonly Cell[]): Recipe => ({
  id: idOf(file),
  title,
  runbook: {
    when: 'A plain script: it says nothing of itself.',
    touches: 'Unknown: read it before it is run.',
    back: 'It has no way back of its own.',
  },
  parameters: z.object({}),
  // Globals of zx are one for the whole process.
  fanOut: { cap: 1, stopAfterFailures: 1 },
  cells: cells as Recipe['cells'],
})

/** A zx script as it is: one cell of risk `change`. */
export function scriptRecipe(file: string, source: string): Recipe {
  const title = /^\s*(?:\/\/|#)(?!!)\s*(.+)$/m.exec(source)?.[1]?.trim() ?? basename(file)
  return plainRecipe(file, title, [
    block('script', title, (context) => importFor(context, (door) => `${pathToFileURL(file).href}?kx=${door}`)),
  ])
}

/** Each `sh` and `js` block of a Markdown file, named after the heading above it. */
export function markdownRecipe(file: string, source: string): Recipe {
  const cells: Cell[] = []
  let heading = ''
  let fence: { mark: string; language: string; lines: string[] } | null = null
  for (const line of source.split(/\r?\n/)) {
    const mark = /^\s{0,3}(`{3,}|~{3,})\s*([\w-]*)/.exec(line)
    if (fence !== null) {
      if (
        mark !== null &&
        line.trim().startsWith(fence.mark) &&
        line.trim().replaceAll(fence.mark[0] ?? '', '') === ''
      ) {
        if (fence.language !== '')
          cells.push(blockOf(cells.length + 1, heading, fence.language, fence.lines.join('\n')))
        fence = null
      } else fence.lines.push(line)
    } else if (mark !== null) {
      const language = /^(sh|bash|shell|js|javascript|mjs)$/.exec(mark[2] ?? '')?.[1] ?? ''
      fence = { mark: mark[1] ?? '```', language, lines: [] }
    } else heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1] ?? heading
  }
  if (cells.length === 0) throw new NotARecipe(`${basename(file)} has no block of sh or js`)
  return plainRecipe(file, /^#\s+(.+)$/m.exec(source)?.[1] ?? basename(file), cells)
}

function blockOf(number: number, heading: string, language: string, text: string): Cell {
  const title = heading === '' ? `Block ${number}` : heading
  if (language === 'sh' || language === 'bash' || language === 'shell')
    return block(`block-${number}`, title, async ({ $ }) => {
      // The block is a program of its author's, not data: it goes over as it stands.
      await $(Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray)
    })
  return block(`block-${number}`, title, (context) =>
    importFor(context, (door) => {
      const url = `${blockScheme}${number}?kx=${door}`
      sources.set(url, text)
      return url
    }),
  )
}

const block = (
  name: string,
  title: string,
  run: (context: CellContext<Record<string, unknown>>) => Promise<void>,
): Cell => ({
  name,
  title,
  risk: 'change',
  timeoutSeconds: plainTimeoutSeconds,
  run: async (context) => {
    await run(context)
    return undefined
  },
})

/** Imports a module whose `zx`, imported or global, means the host of this cell. */
async function importFor(
  context: CellContext<Record<string, unknown>>,
  urlOf: (door: string) => string,
): Promise<void> {
  const scope = scopes.get(context)
  if (scope === undefined) throw new Error('no scope for a plain script')
  next += 1
  const door = String(next)
  const bound = await boundZx(scope)
  open.set(door, bound)
  Object.assign(globalThis, bound, { [doors]: open })
  try {
    await import(urlOf(door))
  } finally {
    open.delete(door)
  }
}

/** All of zx, without what would take the terminal, change this process or mean this machine. */
async function boundZx({ context, bound, question }: PlainScope): Promise<Record<string, unknown>> {
  const zx = (await import('zx')) as Record<string, unknown>
  const say = (pieces: unknown[]) => context.say(pieces.map(String).join(' '))
  let $ = bound.$
  const dollar = new Proxy(bound.$, {
    apply: (_target, self, args) => Reflect.apply($, self, args),
    get: (_target, name) => Reflect.get($, name) as unknown,
    // `$.verbose = true` of many a script: what is set on it here changes nothing.
    set: () => true,
  })
  const made: Record<string, unknown> = {
    ...zx,
    $: dollar,
    local$: bound.local$,
    cd: (folder: string) => {
      $ = bound.$({ cwd: String(folder) })
    },
    echo: (first: unknown, ...rest: unknown[]) => {
      const isTemplate = Array.isArray(first) && 'raw' in first
      if (isTemplate) say([(first as string[]).map((piece, i) => `${piece}${rest[i] ?? ''}`).join('')])
      else say([first, ...rest])
    },
    question: (text = '') => question(String(text)),
    spinner: async (first: unknown, second?: unknown) => {
      const work = (second ?? first) as () => unknown
      if (typeof first === 'string') say([first])
      return work()
    },
    stdin: async () => '',
    argv: {},
  }
  delete made.default
  return made
}
