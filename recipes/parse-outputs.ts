import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { canonicalJson } from '../src/spec/digest.ts'
import { plural } from '../src/text/format.ts'
import { type AnyContext, clean, folderOf, looksOnly } from './parts/ask.ts'
import { eachOf, readText, unitsThere } from './parts/files.ts'
import { objectOf, readMetrics } from './parts/metrics.ts'

interface Judged {
  readonly unit: string
  readonly problems: readonly string[]
  /** Its numbers, as one text; null: it has none. */
  readonly numbers: string | null
}

async function judge(context: AnyContext, unit: string): Promise<Judged> {
  const folder = `${folderOf(context)}/units/${unit}`
  const problems: string[] = []
  // What is followed by the step alone needs no place in the result.
  const bySteps = new Set<string>()
  const [metrics, result, exit] = await Promise.all([
    readText(context, `${folder}/metrics.jsonl`),
    readText(context, `${folder}/result.json`),
    readText(context, `${folder}/exit`, 64 * 1024),
  ])
  const isDone = exit?.text.split('\n').includes('state=done') === true
  if (metrics !== null) {
    const { rows, brokenLines, isTorn, notFinite } = readMetrics(metrics.text)
    for (const { values } of rows) for (const name of Object.keys(values)) bySteps.add(name)
    if (brokenLines.length > 0)
      problems.push(`metrics.jsonl: line ${brokenLines.slice(0, 5).join(', ')} cannot be read`)
    if (isTorn && isDone) problems.push('metrics.jsonl: its last line is cut')
    const first = notFinite[0]
    if (first !== undefined)
      problems.push(`${first.name} is no number from step ${first.step} on (${notFinite.length} times)`)
    if (rows.length === 0) problems.push('metrics.jsonl: not one row')
    if (metrics.isEndOnly) context.say(`${unit}: only the last 8 MiB of metrics.jsonl were read`)
  }
  if (result === null) {
    if (isDone) problems.push('result.json is not there, though the unit is done')
    return { unit, problems, numbers: null }
  }
  const values = objectOf(result.text)
  if (values === null) {
    problems.push('result.json is no JSON object: cut, or never finished')
    return { unit, problems, numbers: null }
  }
  const wanted = context.run?.plan.metrics
  for (const metric of Array.isArray(wanted) ? wanted : []) {
    const name = (metric as { name?: unknown } | null)?.name
    if (typeof name !== 'string') continue
    if (values[name] === undefined && bySteps.has(name)) continue
    if (values[name] === undefined || values[name] === null) problems.push(`result.json: ${name} is missing`)
    else if (typeof values[name] !== 'number') problems.push(`result.json: ${name} is no number`)
  }
  const numbers = Object.entries(values).filter(([, value]) => typeof value === 'number' && !Number.isInteger(value))
  return { unit, problems, numbers: numbers.length === 0 ? null : canonicalJson(Object.fromEntries(numbers)) }
}

/** Believes no result that it has not read. */
export const recipe = defineRecipe({
  id: 'parse-outputs',
  title: 'Parse the outputs',
  runbook: {
    when: 'Units say that they are done, and their numbers are to be used; or several units have one and the same number.',
    touches:
      'Nothing. It reads metrics.jsonl and result.json of every unit, and says which are cut, hold NaN, lack a metric of the plan, or are equal to the last bit with another unit. Anything of that ends it as failed.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({}),
  serves: [{ rule: 'units-identical' }, { rule: 'unit-nan' }, { rule: 'suspect-finish' }, { rule: 'unit-fast' }],
  cells: [
    {
      name: 'parse',
      title: 'Read every result',
      risk: 'read',
      timeoutSeconds: 900,
      plan: looksOnly(),
      run: async (context) => {
        const units = await unitsThere(context)
        const judged = await eachOf(units, 8, (unit) => judge(context, unit))
        const byNumbers = Map.groupBy(
          judged.filter(({ numbers }) => numbers !== null),
          ({ numbers }) => numbers,
        )
        const twins = [...byNumbers.values()].filter((group) => group.length > 1)
        const lines = [
          ...judged.flatMap(({ unit, problems }) => problems.map((problem) => `${unit}: ${problem}`)),
          ...twins.map((group) => `${group.map(({ unit }) => unit).join(', ')}: the same numbers to the last bit`),
        ].map(clean)
        for (const line of lines) context.say(line)
        await context.record('problems', lines.slice(0, 500))
        const good = judged.filter(({ numbers, problems }) => numbers !== null && problems.length === 0).length
        const summary = `${good} of ${plural(units.length, 'unit')} have numbers that can be read`
        if (lines.length > 0)
          return context.fail(
            `${summary}; ${plural(lines.length, 'problem')}.`,
            'Use none of these results before it is understood: collect-evidence, or pull again (resync) if they were copied.',
          )
        return { summary }
      },
    },
  ],
})
