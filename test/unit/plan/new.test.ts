import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answers, answersSchema, renderPlanFile, writeNewPlan } from '../../../src/plan/new.ts'
import { splitWords } from '../../../src/plan/words.ts'
import { parsePlan } from '../../../src/spec/parse.ts'
import { expandUnits } from '../../../src/spec/units.ts'

const nasty = fc.oneof(
  fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }),
  fc.constantFrom(
    '# not a comment',
    '"',
    "it's",
    'yes',
    '1e5',
    'a: b',
    '- x',
    '{seed}',
    '&a',
    '*a',
    '!!x',
    '\\',
    '---',
    '…',
    '~',
  ),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
// Adding zero turns -0 into 0, which is what YAML gives back.
const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).map((n) => n + 0)
const given = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  goal: nasty,
  command: fc.oneof(
    nasty,
    fc.array(nasty, { minLength: 1, maxLength: 5 }).map((w) => w.join(' ')),
  ),
  metric: nasty,
  direction: fc.constantFrom('higher', 'lower'),
  chance: maybe(number),
  target: maybe(number),
  seeds: fc.integer({ min: 1, max: 1000 }),
  compute: fc.constantFrom('cpu', 'gpu'),
  workers: fc.integer({ min: 1, max: 64 }),
  requirements: maybe(nasty),
  data: maybe(nasty),
  checkpointBytes: fc.integer({ min: 0, max: 1e12 }),
  hours: fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
  usd: fc.double({ min: 0, max: 1e9, noNaN: true }),
})

describe('renderPlanFile', () => {
  it('makes a plan that parses and says what was answered, for any valid answers', () => {
    let valid = 0
    fc.assert(
      fc.property(given, (raw) => {
        const checked = answersSchema.safeParse(raw)
        if (!checked.success) return
        valid++
        const answers: Answers = checked.data
        const parsed = parsePlan(renderPlanFile(answers), 'kx.yaml')
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
        const { plan } = parsed
        expect(plan.name).toBe(answers.name)
        expect(plan.goal).toBe(answers.goal)
        expect(plan.command).toEqual(splitWords(answers.command))
        expect(plan.metrics[0]).toMatchObject({ name: answers.metric, direction: answers.direction })
        expect(plan.metrics[0]?.chance).toBe(answers.chance)
        expect(plan.budget).toMatchObject({ usd: answers.usd, hours: answers.hours })
        expect(plan.data[0]?.path).toBe(answers.data)
        expect(expandUnits(plan)).toHaveLength(answers.seeds)
      }),
      { numRuns: 200 },
    )
    // The property says nothing when every answer is refused.
    expect(valid).toBeGreaterThan(50)
  })
  it('explains itself', () => {
    const text = renderPlanFile(answersSchema.parse({ name: 'first' }))
    expect(text.split('\n').filter((l) => l.startsWith('#')).length).toBeGreaterThan(8)
    const parsed = parsePlan(text, 'kx.yaml')
    expect(parsed).toMatchObject({ ok: true, plan: { command: ['python', 'train.py', '--seed', '{seed}'] } })
  })
})

describe('splitWords', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`a 'b c' "d e"f`, ['a', 'b c', 'd ef']],
    [`a\\ b '\\' "\\""`, ['a b', '\\', '"']],
    [`a ''`, ['a', '']],
    ['$HOME `x` $(y)', ['$HOME', '`x`', '$(y)']],
    [`a 'b`, null],
    ['a\\', null],
  ])('%s', (text, expected) => {
    expect(splitWords(text)).toEqual(expected)
  })
})

describe('writeNewPlan', () => {
  it('writes once and never over what is there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kx-new-'))
    const file = await writeNewPlan(folder, 'kx.yaml', { name: 'a' })
    const text = await readFile(file, 'utf8')
    await expect(writeNewPlan(folder, 'kx.yaml', { name: 'b' })).rejects.toThrow(/there already/)
    expect(await readFile(file, 'utf8')).toBe(text)
    await expect(writeNewPlan(folder, 'other.yaml', { name: 'a b' })).rejects.toThrow(/name: letters/)
    await expect(readFile(join(folder, 'other.yaml'))).rejects.toThrow()
  })
})
