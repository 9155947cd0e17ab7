import type { SourceProblem } from '../text/problem.ts'
import { dottedKey } from '../text/problem.ts'
import { contradictions } from './contradictions/all.ts'
import type { Found } from './contradictions/found.ts'
import type { LoadedProfile } from './load.ts'
import { monthsSince, staleFacts, stamps } from './staleness.ts'

/** Something that a profile says and that cannot be, or that nobody has looked at for long. */
export interface ProfileFinding extends SourceProblem {
  readonly severity: 'error' | 'warn'
  /** Which rule speaks: `verb-loses`, `stale` and so on. */
  readonly rule: string
}

export interface CheckOptions {
  readonly nowMs: number
  /** Tells what in a text looks like a credential; without it nothing is looked for. */
  readonly secretsIn?: (text: string) => readonly { readonly kind: string }[]
}

/**
 * Everything that is wrong in a profile that could be read: contradictions between its facts (rules from handbook platforms
 * 1, 4, 5, 6, 7, 12), stamps six months old or older (14), stamps in the future, credentials instead of their names, texts
 * that hold nothing. Ordered by file and line. Keys that are not known never come this far: reading the file names them.
 */
export function checkProfile(loaded: LoadedProfile, options: CheckOptions): ProfileFinding[] {
  const { profile } = loaded
  const found: Found[] = [...contradictions(profile), ...emptyTexts(profile)]
  for (const { path, verified, months } of staleFacts(profile, options.nowMs)) {
    const message = `verified ${verified}, ${months} months ago`
    const hint = 'Compare the fact with its source, then set the month; until then no cost is promised on it'
    found.push({ rule: 'stale', severity: 'warn', path: [...path, 'verified'], message, hint })
  }
  for (const { path, verified } of stamps(profile)) {
    if (monthsSince(verified, options.nowMs) >= 0) continue
    const hint = 'Write the month in which somebody looked'
    found.push({
      rule: 'future-stamp',
      severity: 'error',
      path: [...path, 'verified'],
      message: `verified ${verified} lies ahead of the clock`,
      hint,
    })
  }
  if (options.secretsIn !== undefined) found.push(...secrets(profile, options.secretsIn))
  return found
    .map(({ path, ...rest }) => {
      const { file, line, column } = loaded.placeOf(path)
      return { ...rest, file, line, column, key: dottedKey(path) }
    })
    .sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column)
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

type Leaf = readonly [path: readonly (string | number)[], text: string]

function texts(value: unknown, path: readonly (string | number)[] = []): Leaf[] {
  if (typeof value === 'string') return [[path, value]]
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) =>
    texts(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

/** An empty override has a meaning: the value arrives as a variable of the environment (handbook platforms 1.3). */
function emptyTexts(profile: unknown): Found[] {
  return texts(profile)
    .filter(([path, text]) => text.trim() === '' && path[0] !== 'overrides')
    .map(([path]) => ({
      rule: 'empty',
      severity: 'error',
      path,
      message: 'holds nothing',
      hint: 'Write the fact, or `unknown`',
    }))
}

function secrets(profile: unknown, secretsIn: NonNullable<CheckOptions['secretsIn']>): Found[] {
  return texts(profile).flatMap(([path, text]): Found[] => {
    const kind = secretsIn(text)[0]?.kind
    if (kind === undefined) return []
    const hint = 'Name the variable or the file that holds it instead, and give out a new one'
    return [{ rule: 'secret', severity: 'error', path, message: `looks like ${kind}`, hint }]
  })
}
