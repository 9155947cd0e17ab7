// `npm test`: types, style, then every test. Ends with `N passed, N failed, N skipped`.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const bin = join(root, 'node_modules', '.bin')
const counts = { passed: 0, failed: 0, skipped: 0 }
/** What failed, said again at the end: logs of CI are read from there, and often only their end is kept. */
const failures = []
/** What each test file said, by its path. */
const files = new Map()
const extra = process.argv.slice(2)

const cores = availableParallelism()

/**
 * Side by side: tests wait for what they have started more than they compute, so two cores are busy only with more files
 * at once than cores. The second lane holds whole walks, the third what is killed again and again, one file after the
 * other, and beside it the engines, which wait most of all; so none waits for another's end, and all end at about the
 * same time. With arguments of the caller's there is one run of exactly what was asked for.
 */
const lanes =
  extra.length > 0
    ? [{ projects: [], workers: cores }]
    : [
        { projects: ['apart', 'unit', 'ui', 'hosts'], workers: cores + 1 },
        { projects: ['e2e'], workers: cores },
        { projects: ['crash', 'engines', 'faults', 'formats'], workers: cores },
      ]

function step(title, command, args) {
  console.log(`kx: ${title}`)
  const done = spawnSync(join(bin, command), args, { cwd: root, stdio: 'inherit' })
  return done.status === 0
}

/** Runs some projects; what the later lanes say is kept and shown when they are done, so that lines do not mix. */
function runTests({ projects, workers }, report, isShownAtOnce, names = extra) {
  const args = [
    'run',
    `--maxWorkers=${workers}`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const chosen = projects.flatMap((name) => ['--project', name])
  const stdio = isShownAtOnce ? 'inherit' : ['ignore', 'pipe', 'pipe']
  const child = spawn(join(bin, 'vitest'), [...args, ...chosen, ...names], { cwd: root, stdio })
  const said = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk))
  return new Promise((settle) => {
    child.on('error', (error) => settle({ isGreen: false, said: Buffer.from(`kx: ${error.message}\n`) }))
    child.on('close', (code) => settle({ isGreen: code === 0, said: Buffer.concat(said) }))
  })
}

function count(report, isGreen) {
  try {
    const r = JSON.parse(readFileSync(report, 'utf8'))
    for (const f of r.testResults) files.set(f.name, f)
    counts.passed += r.numPassedTests
    counts.skipped += r.numPendingTests + (r.numTodoTests ?? 0)
    // A file that dies before its first test has no failed test to count, and an unhandled error none either.
    const broken = r.testResults.filter(
      (f) => f.status === 'failed' && !f.assertionResults.some((a) => a.status === 'failed'),
    )
    for (const f of r.testResults) {
      for (const a of f.assertionResults.filter((each) => each.status === 'failed')) {
        failures.push({ where: f.name, what: a.fullName, why: a.failureMessages?.[0] ?? '' })
      }
    }
    for (const f of broken) failures.push({ where: f.name, what: 'the file itself', why: f.message ?? '' })
    const failed = r.numFailedTests + broken.length
    if (failed === 0 && !isGreen) {
      counts.failed += 1
      failures.push({ where: report, what: 'an error outside of any test', why: 'see above: "Unhandled"' })
    } else counts.failed += failed
  } catch (error) {
    console.error(`kx: the test report could not be read: ${error.message}`)
    counts.failed += 1
  }
}

// One test needs tools that are downloaded once a machine: they come beside the others, not while a worker waits.
if (extra.length === 0) {
  const url = pathToFileURL(join(root, 'test', 'harness', 'jupyter.ts')).href
  spawn(process.execPath, ['--input-type=module', '-e', `(await import('${url}')).jupyter().catch(() => {})`], {
    stdio: 'ignore',
  }).unref()
}

for (const [title, command, args] of [
  ['types', 'tsc', ['--noEmit']],
  ['style', 'biome', ['check', '.']],
]) {
  if (step(title, command, args)) counts.passed += 1
  else {
    counts.failed += 1
    failures.push({ where: join(root, 'package.json'), what: title, why: 'see above' })
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'kx-test-'))
console.log('kx: tests')
const reports = lanes.map((_, i) => join(scratch, `report-${i}.json`))
const done = await Promise.all(lanes.map((lane, i) => runTests(lane, reports[i], i === 0)))
for (const [i, { isGreen, said }] of done.entries()) {
  process.stdout.write(said)
  count(reports[i], isGreen)
}

/**
 * Tests that wait for real servers, terminals, processes and timers: beside six other files on two cores one may starve. Never
 * what was killed on purpose or damaged, and never a property: its counterexample may not come again, and is a fault.
 */
const mayStarve = ({ where, why }) =>
  /^test\/(hosts|e2e|engines|faults|unit|ui)\//.test(relative(root, where)) && !why.includes('Property failed')
const unsteady = []
const again = [...new Set(failures.map(({ where }) => where))]

// Such a file gets one second try with nothing beside it, and what it took is said: a fault shows twice, hunger once.
if (extra.length === 0 && again.length > 0 && again.length <= 4 && failures.every(mayStarve)) {
  console.log(`kx: ${again.map((file) => relative(root, file)).join(', ')} again, alone`)
  const report = join(scratch, 'again.json')
  const before = failures.splice(0)
  const first = again.map((file) => files.get(file))
  const { isGreen } = await runTests({ projects: [], workers: 1 }, report, true, again)
  for (const file of first) {
    const of = (status) => file.assertionResults.filter((a) => a.status === status).length
    counts.passed -= of('passed')
    counts.failed -= of('failed') || 1
    counts.skipped -= file.assertionResults.length - of('passed') - of('failed')
  }
  count(report, isGreen)
  unsteady.push(...before)
}
rmSync(scratch, { recursive: true, force: true })
const firstLines = (why) => why.split('\n').slice(0, 12).join('\n')
for (const { where, what, why } of unsteady) {
  console.log(`failed beside others, tried again alone: ${relative(root, where)} > ${what}\n${firstLines(why)}\n`)
}
for (const { where, what, why } of failures) {
  console.log(`failed: ${relative(root, where)} > ${what}\n${firstLines(why)}\n`)
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
