/**
 * A run that is watched for days is written down thousands of times, and most rows of units read as they did before. A
 * record therefore holds only the rows that changed; the fold puts the others back.
 */
interface Thin {
  readonly isThin: true
  readonly units: readonly Row[]
}
interface Row {
  readonly unit: string
}

const hasRows = (value: unknown): value is { readonly units: readonly Row[] } => {
  const units = (value as { readonly units?: unknown } | null | undefined)?.units
  return Array.isArray(units) && units.every((row) => typeof (row as Partial<Row> | null)?.unit === 'string')
}

/** The observation as it is recorded after `previous`. Another roster than before is recorded whole. */
export function thinObservation(previous: unknown, observation: unknown): unknown {
  if (!hasRows(previous) || !hasRows(observation)) return observation
  const { units } = observation
  const isSameRoster =
    units.length === previous.units.length && units.every((row, i) => row.unit === previous.units[i]?.unit)
  if (!isSameRoster) return observation
  const changed = units.filter((row, i) => JSON.stringify(row) !== JSON.stringify(previous.units[i]))
  return { ...observation, units: changed, isThin: true } satisfies Thin
}

/** The other way round: what `thinObservation` was given. Anything that is not thin comes back as it is. */
export function wholeObservation(previous: unknown, recorded: unknown): unknown {
  if (!hasRows(recorded) || (recorded as Partial<Thin>).isThin !== true) return recorded
  const { isThin: _isThin, ...observation } = recorded as Thin
  if (!hasRows(previous)) return observation
  const changed = new Map(recorded.units.map((row) => [row.unit, row]))
  return { ...observation, units: previous.units.map((row) => changed.get(row.unit) ?? row) }
}
