import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { editDistance, nearest } from '../../../src/text/nearest.ts'
import { formatProblem } from '../../../src/text/problem.ts'
import { validate } from '../../../src/text/validate.ts'
import { readYaml } from '../../../src/text/yaml.ts'

const schema = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, 'lower-case letters'),
  metrics: z
    .array(z.strictObject({ name: z.string(), direction: z.enum(['higher', 'lower']).describe('which way is better') }))
    .default([]),
  environment: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('uv'), requirements: z.string() }),
      z.strictObject({ kind: z.literal('image'), reference: z.string() }),
    ])
    .optional(),
  hours: z.number().positive().max(10).optional(),
  count: z.number().int().optional(),
  gpu: z.boolean().optional(),
  cap: z.union([z.number(), z.enum(['none', 'measure'])]).optional(),
  labels: z.record(z.string().regex(/^[A-Z]+$/, 'capital letters'), z.string()).optional(),
})

function problems(text: string): string[] {
  const document = readYaml(text, 'f.yaml')
  if (!document.ok) return document.errors.map(formatProblem)
  const result = validate(schema, document)
  return result.ok ? [] : result.errors.map(formatProblem)
}

describe('validate', () => {
  it('gives the value with its defaults', () => {
    const document = readYaml('name: abc\n', 'f.yaml')
    if (!document.ok) throw new Error('refused')
    expect(validate(schema, document)).toEqual({ ok: true, value: { name: 'abc', metrics: [] } })
  })

  it.each([
    ['{}', 'f.yaml:1:1 name: is missing, expected text. Add `name:` with text'],
    ['', 'f.yaml:1:1 found an empty value, expected a map of keys. Write a map of keys'],
    ['name: ABC', 'f.yaml:1:1 name: found "ABC", expected lower-case letters. Write lower-case letters'],
    ['name: 5', 'f.yaml:1:1 name: found 5, expected text. Write `name: "5"`'],
    ['name: a\nmetrics: 3', 'f.yaml:2:1 metrics: found 3, expected a list of a map of keys. Write `metrics: [3]`'],
    [
      'name: a\nmetrics:\n  - name: m\n    direction: up',
      'f.yaml:4:5 metrics[0].direction: found "up", expected one of higher, lower (which way is better). Write `direction: higher`',
    ],
    [
      'name: a\nmetrics:\n  - nmae: m\n    direction: lower',
      'f.yaml:3:5 metrics[0].nmae: unknown key, expected one of name, direction. Did you mean `name`?',
    ],
    [
      'nmae: a',
      'f.yaml:1:1 nmae: unknown key, expected one of name, metrics, environment, hours, count, gpu, cap, labels. Did you mean `name`?',
    ],
    [
      'name: a\nzzzzzz: 1',
      'f.yaml:2:1 zzzzzz: unknown key, expected one of name, metrics, environment, hours, count, gpu, cap, labels. Remove it, or look the name up in the documentation',
    ],
    [
      'name: a\nenvironment: {kind: docker}',
      'f.yaml:2:15 environment.kind: found "docker", expected one of uv, image. Write one of uv, image',
    ],
    [
      'name: a\nenvironment: {kind: uv, requirement: x}',
      'f.yaml:2:25 environment.requirement: unknown key, expected one of kind, requirements. Did you mean `requirements`?',
    ],
    ['name: a\nhours: "3"', 'f.yaml:2:1 hours: found "3", expected a number. Write `hours: 3` without quotes'],
    ['name: a\nhours: 11', 'f.yaml:2:1 hours: found 11, expected a number of at most 10. Write `hours: 10` or less'],
    ['name: a\ncount: 1.5', 'f.yaml:2:1 count: found 1.5, expected a whole number. Write a whole number'],
    ['name: a\ngpu: yes', 'f.yaml:2:1 gpu: found "yes", expected true or false. Write `gpu: true` or `gpu: false`'],
    [
      'name: a\ncap: some',
      'f.yaml:2:1 cap: found "some", expected a number, or one of none, measure. Write a number, or one of none, measure',
    ],
    [
      'name: a\nlabels: {ab: c}',
      'f.yaml:2:10 labels.ab: this name is not allowed, expected capital letters. Rename the key',
    ],
  ])('says what is wrong with %j', (text, problem) => {
    expect(problems(text)).toEqual([problem])
  })

  it('names all problems in the order of the file', () => {
    expect(problems('hours: 0\nname: 5\ncuont: 1\n').map((p) => p.split(' ')[0])).toEqual([
      'f.yaml:1:1',
      'f.yaml:2:1',
      'f.yaml:3:1',
    ])
  })

  it('never shows a control sequence that stood in the file', () => {
    for (const line of problems('name: "\\e]52;c;eA==\\a"\n"\\e[2J": 1\n'))
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
  })
})

describe('nearest', () => {
  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('nmae', 'name')).toBe(1)
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(editDistance('', 'abc')).toBe(3)
  })

  it('ignores case and separators, and does not guess wildly', () => {
    expect(nearest('thread_per_worker', ['threadsPerWorker', 'workers'])).toBe('threadsPerWorker')
    expect(nearest('banana', ['threadsPerWorker', 'workers'])).toBeNull()
    expect(nearest('ab', ['xy'])).toBeNull()
  })
})
