import type { ParameterDescription } from './describe.ts'

/** A word of a command line as the value that its parameter wants; what does not fit stays text, and the schema says so. */
export function coerceParameter({ type }: Pick<ParameterDescription, 'type'>, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (type === 'number') return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value
  if (type === 'boolean') return value === 'true' || value === '' ? true : value === 'false' ? false : value
  if (type === 'list')
    return value
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean)
  return value
}

/** Parameters from what was given and from the environment; and those that are still wanted. */
export function gatherParameters(
  described: readonly ParameterDescription[],
  given: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): {
  readonly parameters: Readonly<Record<string, unknown>>
  readonly missing: readonly ParameterDescription[]
  readonly unknown: readonly string[]
} {
  const parameters: Record<string, unknown> = {}
  const missing: ParameterDescription[] = []
  for (const each of described) {
    const fromEnvironment = each.environment === null ? undefined : env[each.environment]
    const value = given[each.name] ?? fromEnvironment
    if (value !== undefined) parameters[each.name] = coerceParameter(each, value)
    else if (each.isRequired) missing.push(each)
  }
  const names = new Set(described.map((each) => each.name))
  return { parameters, missing, unknown: Object.keys(given).filter((name) => !names.has(name)) }
}
