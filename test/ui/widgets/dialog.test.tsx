import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import { Dialog } from '../../../src/ui/dialog.tsx'
import {
  type DialogAction,
  type DialogQuestion,
  dialogLines,
  guardMs,
  lastTop,
  openDialog,
  reduceDialog,
} from '../../../src/ui/dialog-model.ts'
import { textWidth } from '../../../src/ui/text-fit.ts'

const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')
const typed: DialogQuestion = { title: 'Remove', kind: 'typed', expected: 'box-1', lines: ['the box folder dies'] }
const confirm: DialogQuestion = { title: 'Abort', kind: 'confirm', lines: ['all units stop'] }
const after = 1000 + guardMs
const painted: DialogAction = { type: 'painted', atMs: 1000 }
const run = (question: DialogQuestion, ...actions: DialogAction[]) => actions.reduce(reduceDialog, openDialog(question))
const type = (text: string, atMs = after): DialogAction[] =>
  text.split('').map((c) => ({ type: 'edit', edit: { type: 'insert', text: c }, atMs }))

describe('dialog', () => {
  it('takes nothing that came before it was seen, nor for a moment after', () => {
    const early = fc.oneof(
      fc.record({ type: fc.constantFrom('accept' as const, 'cancel' as const), atMs: fc.nat(after - 1) }),
      fc.record({ type: fc.constant('choose' as const), choice: fc.constant('yes' as const), atMs: fc.nat(after - 1) }),
      fc.record({
        type: fc.constant('edit' as const),
        edit: fc.constant({ type: 'insert' as const, text: 'x' }),
        atMs: fc.nat(after - 1),
      }),
    )
    fc.assert(
      fc.property(fc.array(early), fc.array(early), fc.constantFrom(typed, confirm), (before, later, question) => {
        expect(run(question, ...before)).toEqual(openDialog(question))
        expect(run(question, ...before, painted, ...later)).toEqual(run(question, painted))
      }),
    )
  })

  it('has no single key that says yes', () => {
    expect(run(confirm, painted, { type: 'accept', atMs: after }).outcome).toBe('cancelled')
    expect(run(confirm, painted, { type: 'choose', choice: 'yes', atMs: after }).outcome).toBe('open')
    expect(run(confirm, painted, { type: 'choose', atMs: after }, { type: 'accept', atMs: after }).outcome).toBe(
      'accepted',
    )
  })

  it('wants the word typed, whole and by hand', () => {
    const accept: DialogAction = { type: 'accept', atMs: after }
    expect(run(typed, painted, ...type('box-1'), accept).outcome).toBe('accepted')
    const wrong = run(typed, painted, ...type('box-2'), accept)
    expect(wrong).toMatchObject({ outcome: 'open', message: 'not the same: type box-1 exactly, or cancel' })
    expect(run(typed, painted, accept).outcome).toBe('open')
    const paste = run(typed, painted, {
      type: 'edit',
      edit: { type: 'insert', text: 'box-1' },
      atMs: after,
      isPaste: true,
    })
    expect(paste.editor.text).toBe('')
    expect(paste.message).toMatch(/paste/)
    expect(reduceDialog(paste, accept).outcome).toBe('open')
    expect(run({ ...typed, expected: '' }, painted, accept).outcome).toBe('open')
  })

  it('stays as it ended', () => {
    const ended = run(confirm, painted, { type: 'cancel', atMs: after })
    expect(reduceDialog(ended, { type: 'choose', choice: 'yes', atMs: after + 1 })).toBe(ended)
  })

  it('always shows the answer row, however long the text is', () => {
    const state = run(
      { ...typed, lines: Array.from({ length: 50 }, (_, i) => `thing ${i} dies`) },
      painted,
      ...type('box'),
    )
    const lines = plain(render(<Dialog state={state} width={50} height={12} />).lastFrame()).split('\n')
    expect(lines).toHaveLength(12)
    expect(lines.join('\n')).toContain('> box')
    expect(lines.join('\n')).toMatch(/more lines: 44 below \(PgUp, PgDn\)/)
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(50)
  })

  it('shows every line of a long question by PgDn, in any size of its box', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line-${i}.`)
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 60 }), fc.integer({ min: 20, max: 90 }), (height, width) => {
        let state = run({ ...typed, lines }, painted, ...type('bo'))
        const seen = new Set<string>()
        const last = lastTop(state.question, width, height)
        for (let page = 0; page <= 40; page += 1) {
          const frame = plain(render(<Dialog state={state} width={width} height={height} />).lastFrame())
          expect(frame).toContain('> bo')
          for (const [name] of frame.matchAll(/line-\d+\./g)) seen.add(name)
          if (state.top === last) break
          state = reduceDialog(state, { type: 'scroll', by: 1 + (page % 2), last, atMs: after })
        }
        expect([...seen]).toEqual(lines)
        expect(reduceDialog(state, { type: 'scroll', by: -99, last, atMs: after }).top).toBe(0)
      }),
      { numRuns: 4 },
    )
  })

  it('marks the choice without colour', () => {
    const frame = plain(render(<Dialog state={run(confirm, painted)} width={40} height={10} />).lastFrame())
    expect(frame).toContain('> no')
    expect(frame).not.toContain('> yes')
    expect(dialogLines(run(typed), 60)).toEqual(['Remove', 'the box folder dies', 'Type box-1 to go on.'])
  })

  it('shows of a secret only how long it is, unless it may be seen', () => {
    const secret: DialogQuestion = { title: 'Password', kind: 'secret', lines: ['Account: ada@box'] }
    const frame = (question: DialogQuestion) => {
      const state = run(question, painted, ...type('sesame'))
      expect(dialogLines(state, 80).join()).not.toContain('sesame')
      const { lastFrame, unmount } = render(<Dialog state={state} width={60} height={12} />)
      const text = plain(lastFrame())
      unmount()
      return text
    }
    expect(frame(secret)).toMatch(/\*{6}/)
    expect(frame(secret)).not.toContain('sesame')
    expect(frame({ ...secret, isShown: true })).toContain('sesame')
  })
})
