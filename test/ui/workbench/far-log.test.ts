import { expect, it } from 'vitest'
import { patrolModel } from '../../../screens/patrol/model.ts'
import type { LinkState } from '../../../src/host/link/types.ts'
import type { SshState } from '../../../src/host/ssh/types.ts'
import type { FarLook } from '../../../src/session/view.ts'
import { nowMs, sceneAt } from '../screens/fixture.ts'
import { linkAt } from './link-at.ts'
import { makeStage } from './stage.ts'

const link = (state: SshState, more: Partial<LinkState> = {}): LinkState => ({ ...linkAt(state, {}, 'box'), ...more })
const read: FarLook = { host: 'box', readAtMs: nowMs - 65_000, isThere: true, isLinked: true, trouble: null }

/** The log pane of a unit on `box`. */
async function paneWith(far: Partial<FarLook>, links: readonly LinkState[], hasLog = true) {
  const scene = await sceneAt('running')
  const held = scene.shelves.unitLog
  if (held === null) throw new Error('no log')
  const unitLog = { unit: held.unit, log: hasLog ? held.log : null, far: { ...read, ...far } }
  const stage = makeStage({ plan: scene.plan, run: scene.run, shelves: scene.shelves, ui: { screen: 'patrol' } })
  const { input } = stage.controller.get()
  const selected = (pane: string) => (pane === 'units' ? held.unit : null)
  const model = patrolModel({ ...input, nowMs, links, selected, shelves: { ...scene.shelves, unitLog } })
  const pane = model.panes.find((each) => each.id === 'log')
  if (pane?.kind !== 'log') throw new Error('no log pane')
  return { note: pane.note?.[0] ?? '', empty: pane.empty, log: pane.log }
}

it('a log that was just read over a link that is up is shown like one of this machine', async () => {
  const { note, log } = await paneWith({}, [link('up')])
  expect(log).not.toBeNull()
  expect(note).toMatch(/^written /)
})

it('says of what it holds how old it is while the link is stale, down or gone, and until it was read again', async () => {
  const old = 'read 1 min ago'
  expect((await paneWith({ isLinked: false }, [link('stale')])).note).toBe(`! link stale, ${old}`)
  expect((await paneWith({ isLinked: false }, [link('down')])).note).toBe(`! link down, ${old}`)
  expect((await paneWith({ isLinked: false }, [])).note).toBe(`! no link to box, r looks there, ${old}`)
  expect((await paneWith({}, [link('up', { backAtMs: nowMs - 5000 })])).note).toContain('not read since')
  expect((await paneWith({ trouble: 'box has not answered for 10 s' }, [link('up')])).note).toBe(
    `! box has not answered for 10 s, ${old}`,
  )
  expect((await paneWith({ isThere: false }, [link('up')])).note).toBe(`! no longer on box, ${old}`)
})

it('never passes off a log that nobody could read as an empty one', async () => {
  const never = { readAtMs: null, isThere: false, isLinked: false }
  expect((await paneWith(never, [], false)).empty).toBe('log not read: no link to box, r looks there')
  expect((await paneWith(never, [link('down')], false)).empty).toBe('log not read: link down')
  expect((await paneWith(never, [link('up')], false)).empty).toBe('reading from box')
  expect((await paneWith({ isThere: false }, [link('up')], false)).empty).toBe('nothing written yet on box')
  expect((await paneWith({ isThere: false }, [link('down')], false)).empty).toBe(
    'log not read: link down; there was none 1 min ago',
  )
})
