import type { Finding } from './types.ts'

/** From so many units on the same finding is told once. */
const fewestUnits = 3
/** Units that are called by name; the others are counted. */
const mostNamed = 3

/**
 * What a rule finds of one metric in several units of a run, told once: 45 splits that level off are one thing to read. The
 * figures of the first unit stand for all, and say whose they are.
 */
export function foldUnits(findings: readonly Finding[]): readonly Finding[] {
  const alike = Map.groupBy(findings, ({ severity, rule, metric }) => [severity, rule, metric].join('\u0001'))
  return [...alike.values()].flatMap((these) => {
    const units = [...new Set(these.map(({ unit }) => unit))]
    const [first] = these
    if (first === undefined || units.length < fewestUnits || units.includes('')) return these
    const others = units.slice(1, mostNamed)
    const left = units.length - 1 - others.length
    const steps = (of: (finding: Finding) => number | null) => these.map(of).filter((step) => step !== null)
    const [from, to] = [steps(({ fromStep }) => fromStep), steps(({ toStep }) => toStep)]
    return {
      ...first,
      unit: `${units.length} units`,
      units,
      fromStep: from.length === 0 ? null : Math.min(...from),
      toStep: to.length === 0 ? null : Math.max(...to),
      what: `${first.unit}: ${first.what}; likewise ${others.join(', ')}${left > 0 ? ` and ${left} more` : ''}`,
    }
  })
}
