import { sanitiseLine } from '../../text/sanitise.ts'
import type { ConfigRow } from '../config-diff.ts'
import { valueText } from '../flatten.ts'
import type { CompareModel } from '../model.ts'
import type { Parameter } from './types.ts'

/** From here on a logarithmic axis shows more. */
const decades = 2

/** Settings that vary over the runs, seeds last, each as it can be put on an axis. */
export const parametersOf = ({ config }: CompareModel): readonly Parameter[] => config.changed.map(parameterOf)

function parameterOf({ key, values }: ConfigRow): Parameter {
  const known = values.filter((value) => value !== undefined && value !== null)
  const name = sanitiseLine(key, 200)
  if (known.every((value) => typeof value === 'number' && Number.isFinite(value))) {
    const figures = known as number[]
    const [least, most] = [Math.min(...figures), Math.max(...figures)]
    return {
      key: name,
      categories: null,
      isLog: least > 0 && most / least > 10 ** decades,
      places: values.map((value) => (typeof value === 'number' ? value : null)),
    }
  }
  const words = values.map((value) => (value === undefined ? null : sanitiseLine(valueText(value), 200)))
  const categories = [...new Set(words.filter((word) => word !== null))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  )
  return {
    key: name,
    categories,
    isLog: false,
    places: words.map((word) => (word === null ? null : categories.indexOf(word))),
  }
}
