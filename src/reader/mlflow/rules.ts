import { figureInCell } from '../csv.ts'
import type { Facts } from '../types.ts'

/** MLflow's databases hold no infinity: this stands for it (handbook compare 4.3). */
const mostOfDatabase = 1.7976931348623157e308

/** A figure as it stands in a file of metrics. */
export const figureOfMlflow = (text: string): number | null => figureInCell(text)

/** A figure of a database: NaN is written as 0 beside a mark, the infinities as the largest figures there are. */
export function figureOfDatabase(value: number, isNan: boolean): number {
  if (isNan) return Number.NaN
  if (value >= mostOfDatabase) return Number.POSITIVE_INFINITY
  return value <= -mostOfDatabase ? Number.NEGATIVE_INFINITY : value
}

/** What MLflow's own tags say of a run. */
export function factsOfTags(tags: Readonly<Record<string, string>>): Facts {
  const name = tags['mlflow.runName']
  const commit = tags['mlflow.source.git.commit']
  const program = tags['mlflow.source.name']
  return {
    ...(name ? { name } : {}),
    ...(commit ? { commit } : {}),
    ...(program ? { program } : {}),
    ...(tags['mlflow.note.content'] ? { notes: tags['mlflow.note.content'] } : {}),
  }
}
