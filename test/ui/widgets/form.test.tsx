import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Form } from '../../../src/ui/form.tsx'
import { type FormAction, formFields, formLines, makeForm, readForm, reduceForm } from '../../../src/ui/form-model.ts'

const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')
const schema = z.object({
  name: z.string().min(2, 'at least two letters').describe('how the run is called'),
  workers: z.number().int().min(1).default(2),
  gpu: z.boolean().optional(),
  kind: z.enum(['range', 'list']),
  seeds: z.array(z.string()).default(['1', '2']),
  nested: z.object({ a: z.number() }).default({ a: 1 }),
})
const insert = (text: string): FormAction => ({ type: 'edit', edit: { type: 'insert', text } })
const run = (...actions: FormAction[]) => actions.reduce(reduceForm, makeForm(schema))

describe('form', () => {
  it('is read off the schema', () => {
    expect(formFields(schema).map((f) => [f.name, f.kind, f.isRequired, f.choices.join()])).toEqual([
      ['name', 'text', true, ''],
      ['workers', 'number', false, ''],
      ['gpu', 'boolean', false, 'no,yes'],
      ['kind', 'choice', true, 'range,list'],
      ['seeds', 'list', false, ''],
      ['nested', 'other', false, ''],
    ])
    expect(formFields(schema)[0]?.description).toBe('how the run is called')
  })

  it('gives typed values, defaults filled in', () => {
    const state = run(
      insert('abc'),
      { type: 'field', by: 1 },
      { type: 'edit', edit: { type: 'set', text: '4' } },
      { type: 'goto', name: 'gpu' },
      { type: 'choose', by: -1 },
      { type: 'goto', name: 'kind' },
      { type: 'choose', by: 1 },
      { type: 'choose', by: 1 },
      { type: 'goto', name: 'seeds' },
      insert(', 7 ,'),
    )
    expect(readForm(schema, state)).toEqual({
      isValid: true,
      values: { name: 'abc', workers: 4, gpu: true, kind: 'list', seeds: ['1', '2', '7'], nested: { a: 1 } },
    })
  })

  it('says one thing a field, and goes to the first that is wrong', () => {
    const state = run(insert('a'), { type: 'field', by: 1 }, { type: 'edit', edit: { type: 'set', text: '2x' } })
    const read = readForm(schema, state)
    if (read.isValid) throw new Error('taken')
    expect(read.errors).toEqual({
      name: 'at least two letters',
      workers: 'write a number',
      kind: 'required',
    })
    const marked = reduceForm(state, { type: 'errors', errors: read.errors })
    expect(marked.index).toBe(0)
    expect(reduceForm(marked, insert('b')).errors.name).toBeUndefined()
    const frame = plain(render(<Form state={marked} width={60} height={12} />).lastFrame())
    expect(frame).toMatch(/> name\* +a/)
    expect(frame).toContain('! at least two letters')
    expect(formLines(marked, 80)).toContain('  ! required')
  })

  it('says what to write where the schema has no words of its own', () => {
    const of = z.object({ hours: z.number().positive(), seeds: z.number().int().max(9), how: z.enum(['a', 'b']) })
    const errors = (...texts: string[]) => {
      const [hours = '', seeds = ''] = texts
      const read = readForm(of, makeForm(of, { hours, seeds, how: 'c' }))
      return read.isValid ? null : read.errors
    }
    expect(errors('0', '10')).toEqual({
      hours: 'write a number above 0',
      seeds: 'write a number of at most 9',
      how: 'choose one of a, b',
    })
    expect(errors('soon', '1.5')).toMatchObject({ hours: 'write a number', seeds: 'write a whole number' })
  })

  it('keeps the focused field and its error on screen', () => {
    const errors = Object.fromEntries(formFields(schema).map((f) => [f.name, `wrong ${f.name}`]))
    const state = reduceForm({ ...makeForm(schema), errors }, { type: 'goto', name: 'seeds' })
    const frame = plain(render(<Form state={state} width={60} height={4} />).lastFrame())
    expect(frame).toContain('> seeds')
    expect(frame).toContain('wrong seeds')
    expect(frame.split('\n')).toHaveLength(4)
  })

  it('takes no number that only begins like one', () => {
    for (const [text, isTaken] of [
      ['1e3', true],
      ['.5', false],
      ['0x10', false],
      ['Infinity', false],
      ['1 2', false],
    ] as const) {
      const state = run(
        insert('abc'),
        { type: 'goto', name: 'kind' },
        { type: 'choose', by: 1 },
        { type: 'goto', name: 'workers' },
        { type: 'edit', edit: { type: 'set', text } },
      )
      expect([text, readForm(schema, state).isValid]).toEqual([text, isTaken])
    }
  })
})
