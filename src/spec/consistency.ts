import { CommandError, placeholdersOf, unitCommand } from './command.ts'
import type { Plan } from './schema.ts'
import { expandUnits, UnitsError } from './units.ts'

/** What a schema cannot say: two keys that disagree, or a value that cannot be used. */
export interface Inconsistency {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint: string
}

/** Everything in a plan that fits the schema and still cannot be run as written. Empty: it can. */
export function inconsistencies(plan: Plan): Inconsistency[] {
  return [
    ...brokenText(plan, []),
    ...unitsAndCommand(plan),
    ...twins(plan),
    ...variables(plan),
    ...artifactGlobs(plan),
    ...configChecks(plan),
    ...logPattern(plan),
  ]
}

function brokenText(value: unknown, path: readonly (string | number)[]): Inconsistency[] {
  if (typeof value === 'string') {
    if (value.includes('\0')) return [{ path, message: 'holds a NUL character', hint: 'Remove `\\0`' }]
    // Half a surrogate pair becomes another character as soon as it is written as UTF-8.
    return value.isWellFormed() ? [] : [{ path, message: 'holds half a character', hint: 'Write the whole character' }]
  }
  if (Array.isArray(value)) return value.flatMap((v, i) => brokenText(v, [...path, i]))
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([k, v]) =>
      k.includes('\0')
        ? [{ path: [...path, k], message: 'a key holds a NUL character', hint: 'Rename the key' }]
        : brokenText(v, [...path, k]),
    )
  return []
}

function unitsAndCommand(plan: Plan): Inconsistency[] {
  try {
    const first = expandUnits(plan)[0]
    if (first !== undefined) unitCommand(plan, first)
  } catch (error) {
    if (error instanceof UnitsError) return [{ path: error.path, message: error.message, hint: 'Change units' }]
    if (error instanceof CommandError)
      return [{ path: ['command', error.wordIndex], message: error.message, hint: 'Use a name that the units have' }]
    throw error
  }
  const steps = [...plan.after.map((step, i) => ({ step, path: ['after', i, 'command'] })), ...saveOf(plan)]
  return steps.flatMap(({ step, path }) => {
    const name = placeholdersOf(step.command)[0]
    return name === undefined
      ? []
      : [
          {
            path,
            message: `{${name}} has no meaning outside a unit`,
            hint: 'Name the file, or write {{ and }} for braces',
          },
        ]
  })
}

const saveOf = (plan: Plan) => (plan.save === undefined ? [] : [{ step: plan.save, path: ['save', 'command'] }])

function twins(plan: Plan): Inconsistency[] {
  const found: Inconsistency[] = []
  const once = (names: readonly string[], at: (index: number) => (string | number)[], what: string) => {
    const seen = new Set<string>()
    names.forEach((name, i) => {
      if (seen.has(name)) found.push({ path: at(i), message: `${what} ${name} stands twice`, hint: 'Remove one' })
      seen.add(name)
    })
  }
  once(
    plan.metrics.map((m) => m.name),
    (i) => ['metrics', i, 'name'],
    'metric',
  )
  once(
    plan.after.map((s) => s.name),
    (i) => ['after', i, 'name'],
    'step',
  )
  once(
    plan.configChecks.map((c) => c.id),
    (i) => ['configChecks', i, 'id'],
    'check',
  )
  once(
    plan.data.map((d) => d.path ?? d.uri ?? ''),
    (i) => ['data', i],
    'data',
  )
  once(plan.secrets, (i) => ['secrets', i], 'secret')
  return found
}

function variables(plan: Plan): Inconsistency[] {
  return Object.keys(plan.environmentVariables).flatMap((name) => {
    const path = ['environmentVariables', name]
    if (name.startsWith('KX_'))
      return [{ path, message: 'names that begin with KX_ are set by the runner', hint: 'Choose another name' }]
    if (plan.secrets.includes(name))
      return [{ path, message: 'stands under secrets too', hint: 'Keep it under secrets, where it has no value' }]
    return []
  })
}

/** What the shell on the box and this program would read differently: a file would be missed by one of them. */
const ambiguous: readonly (readonly [RegExp, string, string])[] = [
  [/\[/, 'holds [, which means a set of characters to some shells and itself to others', 'Write * or ?, or {a,b}'],
  [/\\/, 'holds a back slash, which a shell takes for a quote', 'Write / between folders, * or ? for the rest'],
  [/[\n\r]/, 'holds a line break', 'Write it in one line'],
  [/(?:^|\/)\s|\s(?:\/|$)/, 'has a name that begins or ends with a space', 'Remove the space'],
]

function artifactGlobs(plan: Plan): Inconsistency[] {
  return plan.artifacts.flatMap(({ glob }, i) =>
    ambiguous
      .filter(([pattern]) => pattern.test(glob))
      .slice(0, 1)
      .map(([, message, hint]) => ({ path: ['artifacts', i, 'glob'], message, hint })),
  )
}

function configChecks(plan: Plan): Inconsistency[] {
  if (plan.configChecks.length > 0 && plan.configFiles.length === 0)
    return [{ path: ['configChecks'], message: 'there is nothing to check', hint: 'Name the files under configFiles' }]
  return plan.configChecks.flatMap((check, i) => {
    if (check.form !== 'range') return []
    const path = ['configChecks', i]
    if (check.minimum > check.maximum) return [{ path, message: 'minimum is above maximum', hint: 'Swap them' }]
    const [low, high] = check.recommended ?? [check.minimum, check.maximum]
    if (low <= high && low >= check.minimum && high <= check.maximum) return []
    const end = low < check.minimum || low > check.maximum ? 0 : 1
    const message = 'the recommended range is not inside the allowed one'
    return [{ path: [...path, 'recommended', end], message, hint: 'Widen or correct it' }]
  })
}

function logPattern({ logPattern: pattern }: Plan): Inconsistency[] {
  if (pattern === undefined) return []
  const path = ['logPattern']
  const [name, value] = [pattern.indexOf('{name}'), pattern.indexOf('{value}')]
  if (name < 0 || value < 0)
    return [{ path, message: 'needs both marks', hint: 'Write {name} and {value} where they stand in a line' }]
  if (value <= name + '{name}'.length)
    return [{ path, message: 'needs text between the marks, the name first', hint: 'Write it like {name}={value}' }]
  if (/[\n\r\0]/.test(pattern))
    return [{ path, message: 'is matched against single lines', hint: 'Write it in one line' }]
  return []
}
