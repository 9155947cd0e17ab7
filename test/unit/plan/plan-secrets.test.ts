import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPlan } from '../../../src/plan/load.ts'
import { createRegistry } from '../../../src/secret/registry.ts'
import { formatProblem } from '../../../src/text/problem.ts'
import { samplePlan } from '../spec/sample.ts'

const value = 'made-up/value+1234'
const secrets = createRegistry()
secrets.add('MY_TOKEN', value, 'environment')
secrets.add('.netrc:password', 'netrc-pass-9', '~/.netrc')

async function problemsOf(text: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kx-plan-secret-'))
  await writeFile(join(folder, 'kx.yaml'), text)
  const read = await loadPlan(folder, 'kx.yaml', { exec: null, cacheFile: null, secrets })
  return read.ok ? [] : read.problems.map(formatProblem)
}
const lines = samplePlan.trimEnd().split('\n').length
const withLine = (line: string) => `${samplePlan}${line}\n`

describe('a plan that holds a secret', () => {
  it('is read as ever when it holds none, names of secrets included', async () => {
    expect(await problemsOf(withLine('secrets: [MY_TOKEN]'))).toEqual([])
  })

  it.each([
    ['as it is', `environmentVariables: { CACHE: '${value}' }`, 'environmentVariables.CACHE'],
    ['inside a word', `environmentVariables: { CACHE: 'x${value}y' }`, 'environmentVariables.CACHE'],
    ['in base64', `environmentVariables: { A: '${Buffer.from(value).toString('base64')}' }`, 'environmentVariables.A'],
    ['in an address', `environmentVariables: { A: 'u=${encodeURIComponent(value)}' }`, 'environmentVariables.A'],
    ['escaped by YAML', `environmentVariables: { A: "made-up\\x2fvalue\\u002b1234" }`, 'environmentVariables.A'],
    ['in a step', `after: [{ name: a, command: [tool, '--key=${value}'] }]`, 'after[0].command[1]'],
    ['in a comment', `# ${value}`, ''],
  ])('is refused with line and name: %s', async (_, line, key) => {
    const found = await problemsOf(withLine(line))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^kx\\.yaml:${lines + 1}:\\d+ `))
    expect(found[0]).toContain('the secret MY_TOKEN')
    expect(found[0]).toContain('write MY_TOKEN under secrets:')
    if (key !== '') expect(found[0]).toContain(` ${key}: `)
    expect(found[0]).not.toContain('made-up')
    expect(found[0]).not.toContain(Buffer.from(value).toString('base64').slice(0, 8))
  })

  it('is refused where the secret is a key, which is not repeated', async () => {
    const found = await problemsOf(
      samplePlan
        .replace('cpcv: { groups: 4, choose: 2 }', `grid: { '${value}': [1, 2] }`)
        .replace("'--groups={groups}', ", ''),
    )
    expect(found.join('\n')).toContain('MY_TOKEN')
    expect(found.join('\n')).not.toContain('made-up')
  })

  it('says where a value comes from that no variable has', async () => {
    const [found] = await problemsOf(withLine("environmentVariables: { A: 'netrc-pass-9' }"))
    expect(found).toContain('the secret .netrc:password')
    expect(found).toContain('the name of a variable')
    expect(found).not.toContain('netrc-pass-9')
  })

  it.each([
    ['ghp_0123456789abcdefghijABCDEFGHIJ456789', 'github'],
    ['https://someone:hunter22@example.org/set', 'address-password'],
  ])('is refused for a credential by its form that nobody knows: %s', async (text, kind) => {
    const found = await problemsOf(withLine(`environmentVariables: { HUB: '${text}' }`))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`credential (${kind})`)
    expect(found[0]).toContain('write HUB under secrets:')
    expect(found[0]).not.toContain(text.slice(8, 24))
  })
})
