import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/**
 * Which rooms a room may import at load (architecture, section 3). `commands` and `cli` reach phases by dynamic import
 * inside a handler, which is not listed here. A room that is missing here fails the check: add it on purpose.
 */
const allowed: Record<string, readonly string[]> = {
  text: [],
  walk: [],
  estimate: [],
  spec: ['text', 'walk'],
  profile: ['text'],
  secret: ['text'],
  config: ['text'],
  host: ['walk', 'text', 'secret'],
  engine: ['host', 'spec', 'text'],
  reader: ['text', 'host'],
  artifact: ['host', 'text', 'spec', 'walk'],
  run: ['walk', 'text', 'host', 'profile', 'spec', 'secret'],
  notebook: ['run', 'text', 'secret', 'walk'],
  checklist: ['walk', 'text'],
  recipe: ['walk', 'run', 'notebook', 'host', 'profile', 'spec', 'text', 'secret'],
  session: ['compare', 'run', 'walk', 'text', 'notebook', 'spec', 'profile', 'host', 'secret', 'config'],
  environment: ['spec', 'run', 'host', 'profile', 'text'],
  plan: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'secret', 'estimate', 'artifact'],
  audit: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'secret', 'estimate', 'artifact', 'engine', 'environment'],
  smoke: [
    'walk',
    'spec',
    'run',
    'host',
    'profile',
    'text',
    'secret',
    'estimate',
    'artifact',
    'engine',
    'environment',
    'reader',
  ],
  cost: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'estimate'],
  launch: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'secret', 'estimate', 'artifact', 'engine', 'environment'],
  patrol: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'estimate', 'artifact', 'engine', 'reader'],
  transfer: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'artifact', 'engine'],
  teardown: ['walk', 'spec', 'run', 'host', 'profile', 'text', 'estimate', 'artifact', 'engine', 'reader'],
  repl: ['host', 'run', 'notebook', 'session', 'text', 'ui'],
  compare: ['reader', 'text', 'host'],
  commands: ['compare', 'reader', 'walk', 'run', 'text', 'spec', 'session', 'notebook', 'repl'],
  terminal: ['text'],
  ui: ['terminal', 'text'],
  cli: [
    'compare',
    'reader',
    'commands',
    'run',
    'session',
    'notebook',
    'config',
    'text',
    'walk',
    'terminal',
    'secret',
    'spec',
    'repl',
    'ui',
  ],
}
/** Screens draw: they know commands, folded state and widgets. */
const allowedForScreens = [
  'commands',
  'run',
  'session',
  'walk',
  'spec',
  'ui',
  'terminal',
  'text',
  'estimate',
  'checklist',
  'config',
]
/** Content types of a phase may be known to its screen; they hold no code that runs. Rules and extents are pure. */
const typesOfPhases =
  /^src\/(plan|audit|smoke|cost|launch|patrol|teardown|engine|profile|host|artifact|notebook|recipe|repl|compare)\/(.*\/)?(types|schema|contract)\.ts$|^src\/(notebook|compare)\/rules\.ts$|^src\/compare\/(downsample|word-diff|query)\.ts$/

const pure = ['walk', 'estimate', 'text']
const impure = /^node:(?!buffer$|util$|crypto$|string_decoder$|path$)|^react$|^ink$/

interface Import {
  readonly from: string
  readonly to: string
  readonly isType: boolean
}

function sources(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sources(path)
    return /\.tsx?$/.test(name) ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found: Import[] = []
  const pattern = /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]/gm
  for (const match of text.matchAll(pattern)) {
    const to = match[2] ?? match[3]
    if (to !== undefined) found.push({ from: file, to, isType: match[1] !== undefined })
  }
  return found
}

const resolved = (i: Import) => (i.to.startsWith('.') ? relative(root, resolve(dirname(i.from), i.to)) : i.to)
const roomOf = (path: string) => (path.startsWith('src/') ? path.split('/')[1] : path.split('/')[0])

const files = [...sources(join(root, 'src')), ...sources(join(root, 'screens'))]
const imports = files.flatMap(importsOf)

describe('direction of imports', () => {
  it('reads every source file', () => {
    expect(files.length).toBeGreaterThan(5)
    expect(imports.length).toBeGreaterThan(3)
  })

  it('keeps every room inside what it may call', () => {
    const wrong: string[] = []
    for (const i of imports) {
      const from = relative(root, i.from)
      const to = resolved(i)
      if (!i.to.startsWith('.') || to === 'package.json') continue
      const fromRoom = roomOf(from) ?? ''
      const toRoom = roomOf(to) ?? ''
      if (from.startsWith('screens/')) {
        if (to.startsWith('screens/')) {
          const mine = from.split('/')[1]
          const theirs = to.split('/')[1]
          if (mine !== theirs && mine !== 'workbench' && theirs !== 'workbench')
            wrong.push(`${from} → ${to} (another screen)`)
        } else if (!allowedForScreens.includes(toRoom) && !typesOfPhases.test(to)) wrong.push(`${from} → ${to}`)
        continue
      }
      // The one door through which the program opens its screens; everything else of `src` knows none.
      if (from === 'src/cli/workbench.ts' && to === 'screens/workbench/start.ts') continue
      if (to.startsWith('screens/')) {
        wrong.push(`${from} → ${to} (src knows no screens)`)
        continue
      }
      const may = allowed[fromRoom]
      if (may === undefined) wrong.push(`${from}: room ${fromRoom} is not in the table`)
      else if (fromRoom === 'cli' && i.isType && typesOfPhases.test(to)) continue
      else if (fromRoom !== toRoom && !may.includes(toRoom)) wrong.push(`${from} → ${to}`)
    }
    expect(wrong).toEqual([])
  })

  it('keeps pure rooms and rules free of I/O, clocks, randomness and React', () => {
    const wrong: string[] = []
    for (const file of files) {
      const path = relative(root, file)
      const isPure = pure.includes(roomOf(path) ?? '') || /\/rules(\.|\/)/.test(path)
      if (!isPure || path.startsWith('screens/')) continue
      for (const i of importsOf(file)) if (!i.isType && impure.test(i.to)) wrong.push(`${path} imports ${i.to}`)
      const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      for (const word of [/\bDate\.now\(/, /\bnew Date\(\)/, /\bMath\.random\(/, /\bprocess\.env\b/, /\bsetTimeout\(/])
        if (word.test(text)) wrong.push(`${path} uses ${word.source}`)
    }
    expect(wrong).toEqual([])
  })

  it('has no cycles between files', () => {
    const graph = new Map<string, string[]>()
    for (const i of imports) {
      if (i.isType || !i.to.startsWith('.')) continue
      const from = relative(root, i.from)
      graph.set(from, [...(graph.get(from) ?? []), resolved(i)])
    }
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (node: string, path: string[]) => {
      if (path.includes(node)) cycles.push([...path.slice(path.indexOf(node)), node].join(' → '))
      if (done.has(node) || path.includes(node)) return
      for (const next of graph.get(node) ?? []) visit(next, [...path, node])
      done.add(node)
    }
    for (const node of graph.keys()) visit(node, [])
    expect(cycles).toEqual([])
  })

  it('uses named exports only', () => {
    const wrong = files.filter((f) => /^export default\b/m.test(readFileSync(f, 'utf8'))).map((f) => relative(root, f))
    expect(wrong).toEqual([])
  })
})
