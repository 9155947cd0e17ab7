import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { canaryVariables, forms, leaks } from '../../harness/canaries.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-last-words-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const root = resolve(import.meta.dirname, '../../..')

/** A program that begins as kx does and then goes wrong in a way that nobody catches. */
function dying(code: string): Promise<{ readonly code: unknown; readonly text: string }> {
  const source = `const { maskLastWords } = await import('${root}/src/cli/last-words.ts'); maskLastWords(); const all = JSON.parse(process.env.FORMS).join('\\n'); ${code}`
  const argv = ['--disable-warning=ExperimentalWarning', '--report-on-signal', '--input-type=module', '-e', source]
  const env = { PATH: process.env.PATH, HOME: folder, ...canaryVariables }
  return new Promise((done) => {
    execFile(
      process.execPath,
      argv,
      { cwd: folder, env: { ...env, FORMS: JSON.stringify(forms.map(({ text }) => text)) } },
      (error, stdout, stderr) => done({ code: error?.code, text: `${stdout}${stderr}` }),
    )
  })
}

describe('an error that nobody caught', () => {
  it('says what went wrong and where, ends with 1, and says no secret', async () => {
    const [thrown, rejected, bare, report] = await Promise.all([
      dying('setImmediate(() => { throw new TypeError(`cannot open ${all} here`) })'),
      dying('await Promise.reject(new Error(`late ${all} here`, { cause: new Error(all) }))'),
      dying('setImmediate(() => { throw { words: all.split("\\n") } }); setTimeout(() => {}, 60_000)'),
      dying("process.report.directory = '.'; process.report.writeReport('report.json')"),
    ])
    expect(thrown).toMatchObject({ code: 1, text: expect.stringMatching(/^kx: TypeError: cannot open \*\*\*/) })
    expect(thrown?.text).toMatch(/^ {4}at /m)
    expect(rejected).toMatchObject({ code: 1, text: expect.stringContaining('kx: Error: late ***') })
    expect(bare).toMatchObject({ code: 1, text: expect.stringContaining('words') })
    for (const { text } of [thrown, rejected, bare]) expect(leaks(text)).toEqual([])
    // A report of Node, for whoever asks Node for one.
    expect(report?.code).toBeUndefined()
    expect(readdirSync(folder)).toContain('report.json')
    const written = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Record<string, unknown>
    expect(written).toHaveProperty('header')
    expect(leaks(JSON.stringify(written))).toEqual([])
  })
})
