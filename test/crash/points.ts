import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const source = resolve(import.meta.dirname, '../../src')

/** Points inside the atomic replacement of a file: its writer gives the first half of their names. */
export const pointsOfFile = (prefix: string): string[] =>
  ['temp-opened', 'temp-written', 'temp-synced', 'renamed'].map((step) => `${prefix}.${step}`)

/** Every point that is named in these rooms of the source. */
export function pointsIn(...rooms: readonly string[]): string[] {
  const names = new Set<string>()
  for (const room of rooms)
    for (const file of readdirSync(join(source, room), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const text = readFileSync(join(source, room, file), 'utf8')
      for (const [, inside = ''] of text.matchAll(/(?:failpoint|isFailpointDue)\(([^)`]*)\)/g))
        for (const [, name = ''] of inside.matchAll(/'([a-z-]+\.[a-z-]+)'/g)) names.add(name)
    }
  return [...names].sort()
}

/** Points that the walk passes, those that need something torn or a file of the workbench left out. */
export const walkPoints: readonly string[] = [
  // Those of recipes are passed by their own test (test/e2e/recipe.test.ts).
  ...pointsIn(...readdirSync(source).filter((room) => room !== 'recipe')),
  ...['run-config', 'recovery', 'report-text', 'report-data'].flatMap(pointsOfFile),
]

/** Points of local state, and those of the file that the workbench keeps. */
export const localPoints: readonly string[] = [...pointsIn('run', 'notebook'), ...pointsOfFile('session')]
