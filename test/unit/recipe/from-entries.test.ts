import { describe, expect, it } from 'vitest'
import { recipeFromEntries, type SavedEntry, whyNotInRecipe } from '../../../src/recipe/from-entries.ts'

const code = (source: string): SavedEntry => ({ kind: 'code', source })
const why = (source: string) => whyNotInRecipe(code(source))

describe('what cannot stand in a recipe', () => {
  it('is a name that only the prompt has, where it is used as one', () => {
    for (const source of [
      'sh("ls")',
      'await on("gpu").$`ls`',
      'hosts[0]',
      '_ + 1; _',
      'table(rows)',
      'plan.budget',
      '1 + _',
    ])
      expect(why(source), source).toContain('is of the prompt only')
    expect(why('table(rows)')).toMatch(/^table is of the prompt only: use \$/)
  })

  it('is nothing else: properties, longer names, shell lines and commands', () => {
    for (const source of ['run.plan', 'const plans = 1', 'a._b', 'x.on("a", f)', 'await $`ls`', 'say(_a)'])
      expect(why(source), source).toBeNull()
    expect(whyNotInRecipe({ kind: 'shell', where: 'host', line: 'plan | table' })).toBeNull()
    expect(whyNotInRecipe({ kind: 'command', id: 'plan.check', args: {}, text: ':plan' })).toBeNull()
  })
})

describe('the text of a recipe of entries', () => {
  const bodies = (text: string) =>
    [...text.matchAll(/record, results \}\) => \{\n([\s\S]*?)\n {6}\},\n {6}undo/g)].map(([, body]) => body)

  it('gives every shell line back as it was typed, whatever stands in it', () => {
    const lines = ['echo `date` ${HOME} $((1+1)) \\n "a"', "printf '%s\\\\' ${x:-`y`}", 'echo $PATH']
    for (const line of lines) {
      const [body = ''] = bodies(recipeFromEntries('a', [{ kind: 'shell', where: 'host', line }]))
      // The body is evaluated as the recipe would: what its `$` is given is the line.
      const given: string[] = []
      const $ = (pieces: TemplateStringsArray, ...args: unknown[]) => given.push(pieces[0] ?? '', ...args.map(String))
      new Function('$', body.trim().replace(/^await /, ''))($)
      expect(given).toEqual([line])
    }
  })

  it('makes a cell of each command, keeps code together, and says where it runs', () => {
    const text = recipeFromEntries('kept', [
      { kind: 'shell', where: 'here', line: 'ls' },
      code('const a = 1'),
      code('say(String(a))\nsay("b")'),
      { kind: 'command', id: 'patrol.tick', args: { host: 'a' }, text: ':patrol --host a' },
    ])
    expect([...text.matchAll(/name: '(step-\d+)'/g)].map(([, name]) => name)).toEqual(['step-1', 'step-2', 'step-3'])
    const [first, second, third] = bodies(text)
    expect(first?.trim()).toBe('await local$`ls`')
    expect(second?.split('\n').map((line) => line.trim())).toEqual(['const a = 1', 'say(String(a))', 'say("b")'])
    expect(third).toContain('await kx("patrol.tick", {"host":"a"})')
    expect(third).toContain('if (exitCode !== 0) fail(summary)')
    // Nobody has said what it changes: it counts as a change that cannot tell.
    expect(text.match(/risk: 'change'/g)).toHaveLength(3)
    expect(text.match(/change: 'unknown'/g)).toHaveLength(3)
    expect(text).toContain("id: 'kept'")
  })
})
