// npm run fault -- N2 --seed 41 --count 100 --failfast [--pace pick|full|whole] [--json]
import { parseArgs } from 'node:util'
import { faultRows } from './rows/all.ts'
import { runCases } from './rows/run-case.ts'
import type { Pace } from './rows/types.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    failfast: { type: 'boolean', default: false },
    pace: { type: 'string', default: 'full' },
    json: { type: 'boolean', default: false },
  },
})
const row = faultRows.find((each) => each.id === positionals[0]?.toUpperCase())
if (row === undefined) {
  console.error(
    `Which row? One of ${faultRows.map((each) => each.id).join(', ')}, as in: npm run fault -- N2 --seed 41`,
  )
  process.exit(2)
}
const why = row.cannot?.() ?? null
if (why !== null) {
  console.error(`${row.id} cannot be run here: ${why}`)
  process.exit(3)
}
const { json } = values
const results = await runCases(row, {
  seed: Number(values.seed),
  count: Number(values.count),
  pace: values.pace as Pace,
  failfast: values.failfast,
  onDone: (result) => {
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
    else {
      console.log(
        `${row.id} seed ${result.seed}: ${result.error === null ? 'passed' : 'FAILED'} ${result.seconds.toFixed(1)} s`,
      )
      for (const words of result.said) console.log(`  ${words}`)
      for (const [name, value] of Object.entries(result.figures)) console.log(`  ${name}: ${Number(value.toFixed(3))}`)
      if (result.error !== null) console.log(result.error)
    }
  },
})
const failed = results.filter((each) => each.error !== null)
if (!json) console.log(`${results.length - failed.length} passed, ${failed.length} failed`)
// Something that a failed case left must not hold the suite.
process.exit(failed.length === 0 ? 0 : 1)
