// `npm test`: types, style, then every test. Ends with `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const bin = join(root, 'node_modules', '.bin')
const counts = { passed: 0, failed: 0, skipped: 0 }

function step(title, command, args) {
  console.log(`kx: ${title}`)
  const done = spawnSync(join(bin, command), args, { cwd: root, stdio: 'inherit' })
  return done.status === 0
}

for (const [title, command, args] of [
  ['types', 'tsc', ['--noEmit']],
  ['style', 'biome', ['check', '.']],
]) {
  if (step(title, command, args)) counts.passed += 1
  else counts.failed += 1
}

const scratch = mkdtempSync(join(tmpdir(), 'kx-test-'))
const report = join(scratch, 'report.json')
const extra = process.argv.slice(2)
const isGreen = step('tests', 'vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...extra,
])
try {
  const r = JSON.parse(readFileSync(report, 'utf8'))
  counts.passed += r.numPassedTests
  counts.failed += r.numFailedTests
  counts.skipped += r.numPendingTests + (r.numTodoTests ?? 0)
  // A file that dies before its first test has no failed test to count, and an unhandled error none either.
  const broken = r.testResults.filter(
    (f) => f.status === 'failed' && !f.assertionResults.some((a) => a.status === 'failed'),
  ).length
  counts.failed += broken
  if (!isGreen && counts.failed === 0) counts.failed = 1
} catch (error) {
  console.error(`kx: the test report could not be read: ${error.message}`)
  counts.failed += 1
}
rmSync(scratch, { recursive: true, force: true })
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
