import { describe, expect, it } from 'vitest'
import { titleSpans } from '../../../screens/workbench/chrome.ts'
import { textOf } from '../../../screens/workbench/model.ts'
import { createLinkBook } from '../../../src/host/link/book.ts'
import { createSshHost } from '../../../src/host/ssh/host.ts'
import { scaledTiming } from '../../../src/host/ssh/timing.ts'
import type { Observation } from '../../../src/patrol/types.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { sceneAt } from '../../ui/screens/fixture.ts'
import { makeStage } from '../../ui/workbench/stage.ts'
import { hopTo, rig, trusting } from './support.ts'

/** Stale after 1.2 s in place of 12, dead after 3.6 in place of 36. */
const timing = { ...scaledTiming(0.1), shortestBackoffSeconds: 0.1, longestBackoffSeconds: 0.2 }

describe.skipIf(needsSshd().skip)('the patrol of a machine whose link falls silent', () => {
  const { sshd: start, proxy: proxied, stopLater } = rig()

  it('is unknown with old figures, answers every key, and shows fresh figures when the link is back', async () => {
    const box = await start()
    const proxy = await proxied(box.port)
    const scene = await sceneAt('gpu')
    const links = createLinkBook()
    const host = createSshHost({
      name: 'local',
      hops: [hopTo(box, proxy.port)],
      verify: trusting(box),
      timing,
      onStatus: (status) => links.put({ host: 'local', transport: 'ssh', status }),
    })
    stopLater(() => host.close())
    let looks = 0
    const stage = makeStage({
      plan: scene.plan,
      run: scene.run,
      shelves: scene.shelves,
      ui: { screen: 'patrol' },
      links,
      runs: {
        // A look asks the real machine; what it found stands in for all that a patrol reads there.
        'patrol.tick': async () => {
          const ran = await host.exec(['true'], { timeoutSeconds: 20 })
          const seen = scene.run?.observation?.payload as Observation
          if (ran.ending.kind !== 'exited') return { summary: 'unknown', exitCode: 4, data: null }
          looks += 1
          const atMs = Date.now()
          return {
            summary: 'looked',
            exitCode: 0,
            data: { ...seen, atMs, machine: { ...seen.machine, atMs }, gpu: { ...seen.gpu, atMs } },
          }
        },
      },
    })
    const frame = async () => {
      stage.time.nowMs = Date.now()
      stage.controller.tick()
      await stage.press()
      const { input, model } = stage.controller.get()
      return { title: textOf(titleSpans(input, 100)), summary: textOf(model.summary), text: stage.text() }
    }
    const until = async (what: string, is: (now: Awaited<ReturnType<typeof frame>>) => boolean) => {
      await waitUntil(async () => is(await frame()), { what, describe: async () => JSON.stringify(await frame()) })
      return frame()
    }
    await host.connect()
    stage.controller.autoTick()
    await until('the first look', ({ title, summary }) => title.includes('link up') && summary.startsWith('running'))

    proxy.blackHole()
    stage.controller.autoTick()
    const stale = await until('the silence to be seen', ({ title }) => title.includes('link stale'))
    for (const said of [stale.title, stale.summary]) expect(said).toContain('unknown')
    expect(stale.text).toContain('running ?')
    expect(stale.text).not.toMatch(/\bdead\b/)
    // A look is under way and gets no answer; every key is answered at once all the same.
    for (const [key, screen] of [
      ['1', 'plan'],
      ['0', 'home'],
      ['6', 'patrol'],
    ] as const) {
      await stage.press(key)
      expect(stage.controller.get().ui.screen).toBe(screen)
    }
    const down = await until('the link to be given up', ({ title }) => title.includes('link down'))
    expect([down.title.includes('unknown'), /\bdead\b/.test(down.text)]).toEqual([true, false])

    const before = looks
    proxy.pass()
    const back = await until(
      'a fresh look',
      ({ title, summary }) => title.includes('link up') && summary.startsWith('running'),
    )
    expect(looks).toBeGreaterThan(before)
    expect(back.summary).not.toContain('stale')
    expect(back.text).not.toContain('running ?')
    expect(back.text).not.toMatch(/\d s old/)
  })
})
