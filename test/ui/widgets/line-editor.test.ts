import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type EditorAction,
  type EditorState,
  editorView,
  makeEditor,
  reduceEditor,
} from '../../../src/ui/line-editor.ts'
import { graphemes, textWidth } from '../../../src/ui/text-fit.ts'

const run = (state: EditorState, ...actions: EditorAction[]) => actions.reduce(reduceEditor, state)
const insert = (text: string): EditorAction => ({ type: 'insert', text })
const back = (unit: 'character' | 'word' | 'blank-word' | 'line'): EditorAction => ({
  type: 'delete',
  unit,
  direction: 'back',
})
const go = (unit: 'character' | 'word' | 'line', direction: 'back' | 'forward'): EditorAction => ({
  type: 'go',
  unit,
  direction,
})

const unit = fc.constantFrom('character', 'word', 'blank-word', 'line' as const)
const direction = fc.constantFrom('back', 'forward' as const)
const action = fc.oneof(
  fc.record({ type: fc.constant('insert' as const), text: fc.string({ unit: 'grapheme', maxLength: 5 }) }),
  fc.record({
    type: fc.constant('insert' as const),
    text: fc.constantFrom('\u0301', '\u200d', '👩', '👧', '\n', '\r\n'),
  }),
  fc.record({ type: fc.constant('delete' as const), unit, direction }),
  fc.record({ type: fc.constant('go' as const), unit, direction }),
  fc.record({ type: fc.constant('history' as const), by: fc.constantFrom(-1 as const, 1 as const) }),
  fc.constantFrom({ type: 'yank' as const }, { type: 'undo' as const }, { type: 'submit' as const }),
) as fc.Arbitrary<EditorAction>

describe('line editor', () => {
  it('keeps the cursor between graphemes and the text in one line, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let state = makeEditor('')
        for (const a of actions) {
          state = reduceEditor(state, a)
          expect(
            graphemes(state.text.slice(0, state.cursor)).length + graphemes(state.text.slice(state.cursor)).length,
          ).toBe(graphemes(state.text).length)
          expect(state.text).not.toMatch(/[\r\n]/)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('shows the cursor inside any width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.nat(80),
        fc.integer({ min: 3, max: 40 }),
        (text, moves, width) => {
          let state = makeEditor(text)
          for (let i = 0; i < moves; i++) state = reduceEditor(state, go('character', 'back'))
          const view = editorView(state, width)
          expect(textWidth(view.before) + textWidth(view.at) + textWidth(view.after)).toBeLessThanOrEqual(width)
          expect(state.text).toContain(
            view.before + (view.at === ' ' && state.cursor === state.text.length ? '' : view.at),
          )
        },
      ),
    )
  })

  it('deletes what a person sees as one character', () => {
    expect(run(makeEditor('a👩‍👩‍👧'), back('character')).text).toBe('a')
    expect(run(makeEditor('xe\u0301'), back('character')).text).toBe('x')
  })

  it('knows the keys of emacs', () => {
    const line = makeEditor('kx audit --host local')
    expect(run(line, back('word')).text).toBe('kx audit --host ')
    expect(run(makeEditor('a --host=x'), back('blank-word')).text).toBe('a ')
    expect(
      run(line, go('word', 'back'), go('word', 'back'), { type: 'delete', unit: 'line', direction: 'forward' }),
    ).toMatchObject({
      text: 'kx audit --',
      killed: 'host local',
    })
    expect(run(line, back('line'), insert('x '), { type: 'yank' }).text).toBe('x kx audit --host local')
    expect(run(line, go('line', 'back'), go('word', 'forward')).cursor).toBe(2)
  })

  it('undoes typing in one step and kills in one step', () => {
    const typed = run(makeEditor(''), ...'abc'.split('').map(insert), insert(' '), ...'de'.split('').map(insert))
    expect(typed.text).toBe('abc de')
    const once = run(typed, { type: 'undo' })
    expect(once.text).toBe('abc ')
    expect(run(once, { type: 'undo' }, { type: 'undo' }).text).toBe('')
    expect(run(makeEditor('abc'), back('line'), { type: 'undo' }).text).toBe('abc')
  })

  it('walks through history and comes back to the draft', () => {
    const state = makeEditor('draft', ['one', 'two'])
    const up = run(state, { type: 'history', by: -1 })
    expect(up.text).toBe('two')
    expect(run(up, { type: 'history', by: -1 }, { type: 'history', by: -1 }).text).toBe('one')
    expect(run(up, { type: 'history', by: 1 }).text).toBe('draft')
    expect(run(state, { type: 'submit' })).toMatchObject({ text: '', history: ['one', 'two', 'draft'] })
    expect(run(makeEditor('two', ['one', 'two']), { type: 'submit' }).history).toEqual(['one', 'two'])
  })

  it('makes a pasted text one line', () => {
    expect(run(makeEditor(''), insert('rm a\nrm b\r\n\u001b[31mc')).text).toBe('rm a rm b [31mc')
  })
})
