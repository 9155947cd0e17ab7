import { describe, expect, it } from 'vitest'
import { patrolModel } from '../../../screens/patrol/model.ts'
import { titleSpans } from '../../../screens/workbench/chrome.ts'
import { textOf } from '../../../screens/workbench/model.ts'
import { createLinkBook } from '../../../src/host/link/book.ts'
import type { LinkState } from '../../../src/host/link/types.ts'
import { linkData, linkWords } from '../../../src/session/link-words.ts'
import { nowMs, sceneAt } from '../screens/fixture.ts'
import { linkAt } from './link-at.ts'
import { makeStage } from './stage.ts'

/** A live run whose host has this link; the scene's machine plays the host. */
async function stageWith(link: LinkState) {
  const scene = await sceneAt('gpu')
  const links = createLinkBook()
  const stage = makeStage({ plan: scene.plan, run: scene.run, shelves: scene.shelves, ui: { screen: 'patrol' }, links })
  stage.time.nowMs = nowMs
  links.put(link)
  await stage.press()
  return { stage, links }
}

describe('words of a link', () => {
  it.each([
    [linkAt('up'), 'link up'],
    [linkAt('stale'), 'link stale, heard 14 s ago'],
    [linkAt('down', { nextTryAtMs: nowMs + 6200 }), 'link down, heard 14 s ago, next try in 7 s'],
    [linkAt('paused'), 'link paused, heard 14 s ago, L goes on'],
    [linkAt('connecting', { heardAtMs: null }), 'connecting'],
    [linkAt('connecting', { tries: 4 }), 'link down, try 4 now'],
  ])('%#', (link, words) => {
    expect(linkWords(link, nowMs, 'L')).toBe(words)
  })

  it('are figures for a script, and what is not up is not known', () => {
    expect(linkData(linkAt('down', { nextTryAtMs: nowMs + 6200, reason: 'lost' }), nowMs)).toMatchObject({
      state: 'down',
      isKnown: false,
      reason: 'lost',
      heardSecondsAgo: 14,
      nextTryInSeconds: 6,
    })
  })
})

describe('a link on the screen', () => {
  it.each(['stale', 'down', 'paused'] as const)(
    'that is %s makes what moves unknown, and its figures old',
    async (state) => {
      const { stage } = await stageWith(linkAt(state, { reason: 'nothing was heard' }))
      const { input, model } = stage.controller.get()
      const title = textOf(titleSpans(input, 80))
      expect(title).toContain(`link ${state}`)
      expect(title).toContain('unknown')
      expect(title.length).toBeLessThanOrEqual(80)
      expect(textOf(model.summary)).toMatch(/^unknown, ! stale, looked/)
      expect(textOf(model.summary)).toContain('nothing was heard')
      const bars = model.panes.flatMap((pane) => (pane.kind === 'meters' ? pane.rows : []))
      const known = bars.filter((row) => row.kind === 'meter' && row.fraction !== null)
      expect(known.length).toBeGreaterThan(3)
      for (const row of known) expect(row).toMatchObject({ isOld: true, text: expect.stringMatching(/! \d+ s old$/) })
      const grid = model.panes.find((pane) => pane.id === 'grid')
      expect(grid?.kind === 'grid' && grid.cells.some((cell) => cell.text === 'R')).toBe(false)
      expect(stage.text()).toContain('running ?')
    },
  )

  it('that is up changes nothing but a word of the title', async () => {
    const scene = await sceneAt('gpu')
    const { stage } = await stageWith(linkAt('up'))
    const { input, model } = stage.controller.get()
    expect(textOf(titleSpans(input, 100))).toContain('on local  link up')
    const { links: _links, ...without } = input
    expect(scene.run).not.toBeNull()
    expect(model.panes.map((pane) => pane.note)).toEqual(patrolModel(without).panes.map((pane) => pane.note))
  })

  it('says once that it was lost and that it is back, and counts meanwhile', async () => {
    const { stage, links } = await stageWith(linkAt('up'))
    expect(stage.controller.isCounting).toBe(false)
    links.put(linkAt('down', { reason: 'The link to x was lost.', nextTryAtMs: nowMs + 3000 }))
    await stage.press()
    expect(stage.controller.get().message?.text).toContain('The link to x was lost.')
    expect(stage.controller.isCounting).toBe(true)
    links.put(linkAt('up'))
    await stage.press()
    expect(stage.controller.get().message?.text).toBe('the link to local is up again')
  })

  it('has a key that goes on after a pause, and says why there is nothing to go on with', async () => {
    let asked = 0
    const scene = await sceneAt('gpu')
    const links = createLinkBook()
    const stage = makeStage({
      plan: scene.plan,
      run: scene.run,
      links,
      runs: {
        'host.reconnect': async () => {
          asked += 1
          return { summary: '', exitCode: 0, data: null }
        },
      },
    })
    await stage.press('L')
    expect(stage.controller.get().message?.text).toContain('no link to another machine is open')
    links.put(linkAt('up', {}, 'box'))
    await stage.press('L')
    expect(stage.controller.get().message?.text).toContain('box: link up')
    expect(asked).toBe(0)
    links.put(linkAt('paused', {}, 'box'))
    await stage.press('L')
    expect(asked).toBe(1)
  })
})
