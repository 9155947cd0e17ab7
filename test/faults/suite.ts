// npm run test:faults [-- --only N1,S3] [--count 20] [--seed 1] [--at-once 3] [--no-whole] [--out file]
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { machineFacts } from '../bench/machine.ts'
import { faultRows } from './rows/all.ts'
import type { CaseResult } from './rows/run-case.ts'
import type { FaultRow, Pace } from './rows/types.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    count: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: String(cpus().length + 1) },
    'no-whole': { type: 'boolean', default: false },
    out: { type: 'string', default: resolve(import.meta.dirname, 'results/faults.json') },
  },
})

interface RowResult {
  readonly row: string
  readonly fault: string
  readonly mustHold: string
  readonly injected: string
  /** Why it was not run; null when it was. */
  readonly notRun: string | null
  readonly repeats: number
  readonly passed: number
  readonly seeds: readonly [number, number]
  readonly failures: readonly { readonly seed: number; readonly pace: Pace; readonly error: string }[]
  readonly seconds: number
  readonly wholeSeconds: number | null
  readonly figures: Readonly<Record<string, number>>
  /** What the repeats did not do together, though they should have; null when all is well. */
  readonly together: string | null
  /** Written by hand: which seeds were run once more, why, and what of the row is older than that. */
  readonly again?: string
  readonly takenAt: string
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Cases of one row in a process of their own: what one of them breaks is not the next row's. */
async function cases(row: FaultRow, pace: Pace, seed: number, count: number): Promise<readonly CaseResult[]> {
  const words = [row.id, '--json', '--pace', pace, '--seed', String(seed), '--count', String(count)]
  const child = spawn(process.execPath, [resolve(import.meta.dirname, 'case.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let trouble = ''
  child.stderr.on('data', (chunk) => {
    trouble = `${trouble}${chunk}`.slice(-4000)
  })
  const results: CaseResult[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (!line.startsWith('{')) return
    const result = JSON.parse(line) as CaseResult
    results.push(result)
    if (result.error !== null) console.error(`${row.id} seed ${result.seed} (${pace}): ${result.error.split('\n')[0]}`)
  })
  await Promise.all([new Promise((done) => child.once('exit', done)), new Promise((done) => lines.once('close', done))])
  running.delete(child)
  // A case that never reported took the process with it: that is a failure of that case.
  for (let each = seed; each < seed + count; each += 1)
    if (!results.some((result) => result.seed === each))
      results.push({
        seed: each,
        seconds: 0,
        error: `the process of the case ended: ${trouble}`,
        figures: {},
        counts: {},
        said: [],
      })
  return results
}

async function runRow(row: FaultRow, count: number, seed: number): Promise<RowResult> {
  const notRun = row.cannot?.() ?? null
  const began = performance.now()
  const plain = notRun === null ? await cases(row, 'full', seed, count) : []
  const seconds = (performance.now() - began) / 1000
  const isWhole = notRun === null && row.hasWhole === true && !values['no-whole']
  const whole = isWhole ? await cases(row, 'whole', seed, 1) : []
  const all = [
    ...plain.map((each) => ({ ...each, pace: 'full' as Pace })),
    ...whole.map((each) => ({ ...each, pace: 'whole' as Pace })),
  ]
  const figures: Record<string, number> = {}
  for (const each of all)
    for (const [name, value] of Object.entries(each.figures))
      figures[name] = Number(Math.max(figures[name] ?? Number.NEGATIVE_INFINITY, value).toFixed(3))
  const counts: Record<string, number> = {}
  for (const each of all)
    for (const [name, times] of Object.entries(each.counts)) counts[name] = (counts[name] ?? 0) + times
  const together = row.together?.(counts, plain.length) ?? { figures: {}, problem: null }
  if (together.problem !== null) console.error(`${row.id}: ${together.problem}`)
  return {
    row: row.id,
    ...{ fault: row.fault, mustHold: row.mustHold, injected: row.injected(), notRun },
    repeats: all.length,
    passed: all.filter((each) => each.error === null).length,
    seeds: [seed, seed + count - 1],
    failures: all.flatMap(({ seed: at, pace, error }) => (error === null ? [] : [{ seed: at, pace, error }])),
    seconds: Number(seconds.toFixed(1)),
    wholeSeconds: whole[0] === undefined ? null : Number(whole[0].seconds.toFixed(1)),
    figures: { ...figures, ...together.figures },
    together: together.problem,
    takenAt: new Date().toISOString(),
  }
}

function earlier(): readonly RowResult[] {
  try {
    return (JSON.parse(readFileSync(values.out, 'utf8')) as { rows?: readonly RowResult[] }).rows ?? []
  } catch {
    return []
  }
}

function table(rows: readonly RowResult[]): string {
  const lines = rows.map((each) => [
    each.row,
    each.fault.slice(0, 60),
    each.notRun === null ? String(each.repeats) : '-',
    each.notRun === null ? String(each.passed) : 'not run',
    each.failures.map(({ seed, pace }) => (pace === 'whole' ? `${seed} whole` : String(seed))).join(' ') || '-',
    each.wholeSeconds === null
      ? each.seconds.toFixed(0)
      : `${each.seconds.toFixed(0)} + ${each.wholeSeconds.toFixed(0)}`,
  ])
  const all = [['row', 'fault', 'repeats', 'passed', 'failed seeds', 'seconds'], ...lines]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length))) ?? []
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const wanted = values.only?.toUpperCase().split(',')
const unknown = wanted?.filter((id) => !faultRows.some((row) => row.id === id)) ?? []
if (unknown.length > 0) {
  console.error(`No such row: ${unknown.join(', ')}. There are ${faultRows.map((row) => row.id).join(', ')}.`)
  process.exit(2)
}
const machine = await machineFacts()
const waiting = faultRows.filter((row) => wanted?.includes(row.id) ?? true)
const done = new Map(earlier().map((each) => [each.row, each]))
const fresh: RowResult[] = []
const worker = async () => {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    const result = await runRow(row, Number(values.count), Number(values.seed))
    console.error(`${row.id}: ${result.notRun ?? `${result.passed} of ${result.repeats} in ${result.seconds} s`}`)
    fresh.push(result)
    done.set(row.id, result)
    // After every row, so that a run that is ended early leaves what it saw.
    const rows = faultRows.flatMap((each) => done.get(each.id) ?? [])
    mkdirSync(dirname(values.out), { recursive: true })
    writeFileSync(values.out, `${JSON.stringify({ machine, rows }, null, 1)}\n`)
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(values['at-once'])) }, worker))
const order = (each: RowResult) => faultRows.findIndex((row) => row.id === each.row)
fresh.sort((a, b) => order(a) - order(b))
console.log(table(fresh))
const failed = fresh.reduce((sum, each) => sum + each.repeats - each.passed, 0)
const passed = fresh.reduce((sum, each) => sum + each.passed, 0)
console.log(`${passed} passed, ${failed} failed`)
for (const each of fresh)
  for (const { seed, pace } of each.failures)
    console.log(`again: npm run fault -- ${each.row} --seed ${seed} --pace ${pace}`)
process.exitCode = failed === 0 && fresh.every((each) => each.together === null) ? 0 : 1
