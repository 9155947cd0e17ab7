import { describe, expect, it } from 'vitest'
import { parsePlan } from '../../../src/spec/parse.ts'
import { samplePlan } from './sample.ts'

const change = (from: string | RegExp, to: string): string => {
  const changed = samplePlan.replace(from, to)
  if (changed === samplePlan) throw new Error(`nothing to replace: ${from}`)
  return changed
}
const problemAt = (source: string, line: number) => {
  const parsed = parsePlan(source, 'kx.yaml')
  if (parsed.ok) throw new Error('parsed')
  const problem = parsed.problems.find((p) => p.line === line)
  if (problem === undefined) throw new Error(`no problem in line ${line}: ${JSON.stringify(parsed.problems)}`)
  return problem
}

describe('parsePlan', () => {
  it('fills in defaults and finds keys again', () => {
    const parsed = parsePlan(samplePlan, 'kx.yaml')
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    expect(parsed.plan.hosts).toEqual(['local'])
    expect(parsed.plan.tracking.kind).toBe('plain')
    expect(parsed.locate(['budget', 'hours']).line).toBe(18)
    expect(parsed.locate(['abort', 'nowhere']).line).toBe(17)
  })

  it.each([
    ['a key that is misspelt', change('goal:', 'gaol:'), 3, /unknown key/, /goal/],
    ['a unit form that is misspelt', change('cpcv:', 'cpvc:'), 8, /./, /cpcv/],
    ['an unknown placeholder', change('{seed}', '{sead}'), 6, /\{sead\} is not known/, /./],
    [
      'a placeholder in a step',
      `${samplePlan}after:\n  - { name: a, command: [x, '{unit}'] }\n`,
      20,
      /no meaning/,
      /./,
    ],
    ['choose not below groups', change('choose: 2', 'choose: 4'), 8, /below groups/, /./],
    ['too many units', change('groups: 4, choose: 2', 'groups: 40, choose: 20'), 8, /split the plan/, /./],
    [
      'a metric twice',
      change('  - { name: test_acc', '  - { name: test_acc, direction: lower }\n  - { name: test_acc'),
      6,
      /twice/,
      /./,
    ],
    ['a reserved variable', `${samplePlan}environmentVariables: { KX_UNIT: x }\n`, 19, /runner/, /another/],
    [
      'a secret with a value',
      `${samplePlan}secrets: [HF_TOKEN]\nenvironmentVariables:\n  HF_TOKEN: x\n`,
      21,
      /secrets too/,
      /./,
    ],
    [
      'checks without files',
      `${samplePlan}configChecks:\n  - { form: set, id: a, key: b }\n`,
      19,
      /nothing to check/,
      /./,
    ],
    [
      'an inner range that is wider',
      `${samplePlan}configFiles: [c.json]\nconfigChecks:\n  - { form: range, id: a, key: b, minimum: 1, maximum: 2, recommended: [0, 2] }\n`,
      21,
      /not inside/,
      /./,
    ],
    ['a log pattern the wrong way round', `${samplePlan}logPattern: '{value} {name}'\n`, 19, /name first/, /\{value\}/],
    ['a log pattern with nothing between', `${samplePlan}logPattern: '{name}{value}'\n`, 19, /between/, /\{value\}/],
    ['a log pattern of two lines', `${samplePlan}logPattern: "{name}={value}\\n"\n`, 19, /single lines/, /one line/],
    ['a log pattern without marks', `${samplePlan}logPattern: 'loss = 3'\n`, 19, /both marks/, /\{value\}/],
    ['NUL in a word', change('train.mjs', '"a\\0b"'), 6, /NUL/, /./],
    ['a path that leaves the project', change('data/set.csv', '../set.csv'), 11, /found/, /inside the project/],
  ])('tells %s with its line', (_, source, line, message, hint) => {
    const problem = problemAt(source, line)
    expect(problem.message).toMatch(message)
    expect(`${problem.hint ?? ''} ${problem.expected ?? ''}`).toMatch(hint)
  })
})
