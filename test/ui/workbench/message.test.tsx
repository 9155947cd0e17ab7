import { describe, expect, it } from 'vitest'
import { drawStore } from '../screens/draw.tsx'
import { makeStage } from './stage.ts'

const advice =
  'The box folder /home/ada/.local/share/kx/runs/20261122-0607-cpcv-wdbc-80b1 could not be read: the disk under it is full, so that not even the lock beside it could be taken. Nothing was removed. Free at least 200 MiB there (du -sh tells what is large), then press r once more; :patrol.abort stops the units meanwhile.'
const words = (text: string) => text.split(/\s+/).filter((w) => w !== '')

async function stageWith(text: string, size = { columns: 80, rows: 24 }) {
  const stage = makeStage({ size })
  stage.controller.setMessage(text, 'error')
  await stage.press()
  const drawn = drawStore(stage.controller, size.columns, size.rows)
  return { ...stage, drawn, settle: () => new Promise((resolve) => setTimeout(resolve, 30)) }
}

describe('a long message', () => {
  it('stands whole above the command row at 80x24, and the frame stays as tall', async () => {
    const { drawn } = await stageWith(advice)
    const lines = drawn.lines()
    drawn.unmount()
    expect(lines).toHaveLength(24)
    for (const word of words(advice)) expect(lines.join('\n')).toContain(word)
    expect(lines.join('\n')).toContain('error: The box folder')
    expect(lines.join('\n')).toContain('Backspace clear')
  })

  it('takes no row from the panes while it is short', async () => {
    const { drawn } = await stageWith('nothing to do')
    const lines = drawn.lines()
    drawn.unmount()
    expect(lines[22]).toBe('error: nothing to do')
    expect(lines[21]).toMatch(/#$/)
  })

  it('says which key shows the rest when even that is not enough, and m shows all of it', async () => {
    const long = Array.from({ length: 60 }, (_, i) => `step ${i}: do this`).join('\n')
    const stage = await stageWith(long)
    expect(stage.drawn.lines().join('\n')).toMatch(/\d+ more rows: m shows all/)
    const seen = new Set<string>()
    await stage.press('m')
    for (let i = 0; i < 6; i++) {
      await stage.settle()
      for (const line of stage.drawn.lines()) for (const hit of line.match(/step \d+: do this/g) ?? []) seen.add(hit)
      await stage.press('pagedown')
    }
    expect(seen.size).toBe(60)
    await stage.press('esc')
    expect(stage.controller.get().overlay).toBeNull()
    stage.drawn.unmount()
  })

  it('stays readable while a command is typed', async () => {
    const stage = await stageWith(advice)
    await stage.press(':')
    await stage.settle()
    const lines = stage.drawn.lines()
    stage.drawn.unmount()
    expect(lines).toHaveLength(24)
    expect(lines[22]).toMatch(/^:/)
    for (const word of words(advice)) expect(lines.join('\n')).toContain(word)
  })

  it('can be read again after it was cleared', async () => {
    const stage = makeStage()
    stage.controller.setMessage(advice, 'error')
    await stage.press('backspace')
    expect(stage.controller.get().message).toBeNull()
    await stage.press('m')
    const { overlay } = stage.controller.get()
    expect(overlay?.kind === 'message' && overlay.lines.join(' ')).toContain('press r once more')
  })

  it('leaves mouse and page keys the panes that are drawn', async () => {
    const stage = await stageWith(advice)
    const { messageBlock } = stage.controller.get()
    expect(messageBlock?.lines.length).toBeGreaterThan(3)
    const bottom = stage.drawn.lines().findLastIndex((l) => /^#=/.test(l))
    stage.drawn.unmount()
    expect(bottom).toBe(24 - 2 - (messageBlock?.lines.length ?? 0))
  })
})
