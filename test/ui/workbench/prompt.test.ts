import { describe, expect, it } from 'vitest'
import type { PromptSurface } from '../../../screens/workbench/prompt-surface.ts'
import type { Entered, OpenPrompt } from '../../../src/repl/types.ts'
import { waitUntil } from '../../harness/wait.ts'
import { makeStage } from './stage.ts'

/** A prompt that answers by rule: `(` is not complete, `wait` runs until it is ended. */
function fakePrompt() {
  const entered: string[] = []
  const done: string[] = []
  let surface: PromptSurface | null = null
  let running: ((result: Entered) => void) | null = null
  const result = (outcome: Entered['outcome'], text: string): Entered => ({
    cell: entered.length,
    outcome,
    lines: text === '' ? [] : [[{ text, tone: 'plain' }]],
    exitCode: 0,
    durationMs: 1,
  })
  const prompt: OpenPrompt = {
    get isBusy() {
      return running !== null
    },
    host: 'box',
    isUnfinished: (text) => text.endsWith('['),
    begin: async () => {},
    enter: async (text) => {
      entered.push(text)
      if (text.trim().endsWith('(')) return result('incomplete', '')
      if (text === 'wait')
        return new Promise((resolve) => {
          running = resolve
        })
      return result('value', `<${text}>`)
    },
    preview: async () => [{ text: 'looked', tone: 'plain' }],
    complete: async (text) => ({ from: 0, names: [`${text}pha`, `${text}arm`] }),
    ghost: (text) => (text === 'ls' ? ' -l' : ''),
    search: (query) => ['newest', 'older one'].filter((each) => each.includes(query)),
    interrupt: async () => {
      done.push('interrupt')
    },
    kill: async () => {
      done.push('kill')
      running?.(result('lost', 'lost'))
      running = null
    },
    close: async () => {
      done.push('close')
    },
  }
  return {
    entered,
    done,
    surface: () => surface,
    openPrompt: async (given: PromptSurface) => {
      surface = given
      return prompt
    },
  }
}

function open() {
  const fake = fakePrompt()
  const stage = makeStage({ openPrompt: fake.openPrompt })
  const overlay = () => {
    const found = stage.controller.get().overlay
    if (found?.kind !== 'repl') throw new Error('no prompt is open')
    return found
  }
  const text = () => overlay().lines.map((line) => line.map((span) => span.text).join(''))
  return { ...fake, ...stage, overlay, shown: text }
}

describe('the prompt on a screen', () => {
  it('opens with >, runs what is entered and shows it, and closes with Esc as it was', async () => {
    const { press, overlay, shown, controller } = open()
    await press('>')
    await press('"1+1"', 'enter')
    await waitUntil(() => shown().length === 2)
    expect(shown()).toEqual(['> 1+1', '<1+1>'])
    expect(overlay().title).toBe('Prompt on box')
    await press('esc')
    expect(controller.get().overlay).toBeNull()
    await press('>')
    expect(shown()).toEqual(['> 1+1', '<1+1>'])
  })

  it('keeps what is entered while it still starts', async () => {
    const fake = fakePrompt()
    const started = Promise.withResolvers<void>()
    const stage = makeStage({
      openPrompt: async (given) => {
        const prompt = await fake.openPrompt(given)
        return { ...prompt, isBusy: false, begin: () => started.promise }
      },
    })
    await stage.press('>', '"1+1"', 'enter')
    expect(fake.entered).toEqual([])
    started.resolve()
    await waitUntil(() => fake.entered.length === 1)
    expect(fake.entered).toEqual(['1+1'])
  })

  it('goes on writing on a new line where the entry is not complete', async () => {
    const { press, overlay, shown, entered, controller } = open()
    await press('>')
    await press('"f("', 'enter')
    await waitUntil(() => overlay().editor.text === 'f(\n')
    await press('ctrl+c', '"["', 'enter')
    expect(overlay().editor.text).toBe('[\n')
    await press('ctrl+c')
    controller.onPaste('f(\n')
    await press('"1)"', 'enter')
    await waitUntil(() => shown().length === 3)
    expect(entered).toEqual(['f(', 'f(\n1)'])
  })

  it('never runs a paste: line ends in it are text', async () => {
    const { press, overlay, entered, controller } = open()
    await press('>')
    controller.onPaste('rm one\nrm two\n')
    await press()
    expect(entered).toEqual([])
    expect(overlay().editor.text).toBe('rm one\nrm two\n')
    await press('enter')
    expect(entered).toEqual(['rm one\nrm two\n'])
  })

  it('clears with Ctrl-C, then interrupts, then ends the worker', async () => {
    const { press, overlay, done } = open()
    await press('>')
    await press('"wait"', 'enter', '"half"')
    await press('ctrl+c')
    expect(overlay().editor.text).toBe('')
    expect(done).toEqual([])
    await press('ctrl+c')
    expect(done).toEqual(['interrupt'])
    await press('ctrl+c')
    expect(done).toEqual(['interrupt', 'kill'])
  })

  it('completes, hints from the history, searches it, and looks ahead', async () => {
    const { press, overlay } = open()
    await press('>')
    await press('"al"', 'tab')
    await waitUntil(() => overlay().note.some((span) => span.text.includes('alpha  alarm')))
    await press('ctrl+c', '"ls"')
    expect(overlay().ghost).toBe(' -l')
    await press('right')
    expect(overlay().editor.text).toBe('ls -l')
    await waitUntil(() => overlay().note.some((span) => span.text === 'looked'))
    await press('ctrl+c', 'ctrl+r', '"old"')
    expect(overlay().sign).toBe('search: ')
    await press('enter')
    expect(overlay().editor.text).toBe('older one')
    await press('ctrl+c', 'up')
    expect(overlay().editor.text).toBe('newest')
  })

  it('gives commands of the prompt the questions and refusals of this workbench', async () => {
    const { press, surface, controller, time } = open()
    await press('>')
    await waitUntil(() => surface() !== null)
    const asked = surface()?.environment(new AbortController().signal).ask.confirm('Really?', [])
    await press()
    expect(controller.get().overlay?.kind).toBe('dialog')
    controller.painted()
    time.monotonicMs += 5000
    await press('esc')
    expect(await asked).toBe(false)
  })
})
