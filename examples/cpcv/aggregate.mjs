// After step: gathers the results of all splits into metrics.json, and the one environment that they share.
//
//   node aggregate.mjs [--expect 45]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeWhole } from './files.mjs'

const runFolder = resolve(process.env.KX_RUN_DIR ?? 'out')
const at = process.argv.indexOf('--expect')
const expected = at < 0 ? null : Number(process.argv[at + 1])

function statistics(values) {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const sd = n < 2 ? null : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  return { n, mean, sd, min: Math.min(...values), max: Math.max(...values) }
}

const unitsFolder = join(runFolder, process.env.KX_RUN_DIR === undefined ? '' : 'units')
const units = readdirSync(unitsFolder)
  .filter((name) => existsSync(join(unitsFolder, name, 'result.json')))
  .sort()
const perSplit = Object.fromEntries(
  units.map((name) => [name, JSON.parse(readFileSync(join(unitsFolder, name, 'result.json'), 'utf8'))]),
)
const results = Object.values(perSplit)
if (results.length === 0 || (expected !== null && results.length !== expected)) {
  console.error(`aggregate.mjs: ${results.length} results under ${unitsFolder}, expected ${expected ?? 'at least one'}`)
  process.exit(1)
}

// Each unit has a seed of its own; all else must be the same in every unit.
const sets = new Map()
const seeds = []
for (const name of units) {
  const file = join(unitsFolder, name, 'env_fingerprint.json')
  const { seed, ...shared } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { seed: null, missing: true }
  const text = JSON.stringify(shared)
  seeds.push(seed)
  sets.set(text, [...(sets.get(text) ?? []), name])
}
if (sets.size !== 1 || seeds.includes(null)) {
  console.error('aggregate.mjs: the splits were not all made in one environment, so they cannot be compared:')
  for (const [text, names] of sets)
    console.error(`  ${names.length} splits (${names[0]}…): ${text.trim().slice(0, 120)}`)
  process.exit(1)
}

const summary = Object.fromEntries(
  ['test_acc', 'test_f1', 'train_acc', 'val_acc', 'best_epoch', 'elapsed_s'].map((key) => [
    key,
    statistics(results.map((result) => result[key])),
  ]),
)
const nanCount = results.reduce((sum, result) => sum + result.nan_count, 0)
writeWhole(
  join(runFolder, 'metrics.json'),
  `${JSON.stringify(
    {
      experiment: 'cpcv-wdbc',
      timestamp: new Date().toISOString(),
      summary,
      per_split: perSplit,
      sanity_checks: {
        splits: results.length,
        nan_count: nanCount,
        below_chance: results.filter((r) => r.test_acc <= 0.627).length,
      },
      resource_usage: {
        gpu_hours: 0,
        wall_clock_seconds: results.reduce((sum, result) => sum + result.elapsed_s, 0),
        total_training_steps: results.reduce((sum, result) => sum + result.epochs, 0),
        total_runs: results.length,
      },
      abort_triggered: nanCount > 0,
    },
    null,
    2,
  )}\n`,
)
const fingerprint = { ...JSON.parse([...sets.keys()][0]), seeds: seeds.join(' ') }
writeWhole(join(runFolder, 'env_fingerprint.json'), `${JSON.stringify(fingerprint)}\n`)
const { mean, sd } = summary.test_acc
console.log(`${results.length} splits: test_acc ${mean.toFixed(4)} ± ${sd === null ? 'n/a' : sd.toFixed(4)}`)
