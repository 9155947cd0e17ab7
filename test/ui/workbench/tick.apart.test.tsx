import { isValidElement, type ReactNode } from 'react'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Observation } from '../../../src/patrol/types.ts'
import type { RunState } from '../../../src/run/types.ts'
import { nowMs, sceneAt } from '../screens/fixture.ts'

/** Text of every leaf that React rendered since it was last emptied. */
const rendered = vi.hoisted((): string[] => [])
vi.mock('ink', async (original) => {
  const ink = await original<typeof import('ink')>()
  const { createElement } = await import('react')
  const Text = (props: Parameters<typeof ink.Text>[0]) => {
    rendered.push(wordsOf(props.children))
    return createElement(ink.Text, props)
  }
  return { ...ink, Text }
})
const { drawStore } = await import('../screens/draw.tsx')
const { makeStage } = await import('./stage.ts')

function wordsOf(node: ReactNode): string {
  if (Array.isArray(node)) return node.map(wordsOf).join('')
  if (isValidElement<{ children?: ReactNode }>(node)) return wordsOf(node.props.children)
  return typeof node === 'string' || typeof node === 'number' ? `${node}` : ''
}

beforeEach(() => {
  rendered.length = 0
})

const settle = () => new Promise((resolve) => setTimeout(resolve, 30))

/** A live run with eight cards, looked at again and again. */
async function patrolling(screen: 'patrol' | 'audit' | 'home' = 'patrol') {
  const scene = await sceneAt('gpu')
  let run = scene.run as RunState
  const stage = makeStage({
    plan: scene.plan,
    run: () => run,
    shelves: scene.shelves,
    ui: { screen },
    size: { columns: 200, rows: 60 },
  })
  stage.time.nowMs = nowMs
  stage.controller.tick()
  await stage.press()
  const drawn = drawStore(stage.controller, 200, 60)
  await settle()
  /** One look more: everything is new in memory, little of it says anything new. */
  const look = async (change: (o: Observation) => Observation) => {
    stage.time.nowMs += 1000
    const seen = structuredClone(run.observation?.payload) as Observation
    const observation = change({ ...seen, atMs: stage.time.nowMs })
    run = structuredClone({ ...run, observation: { atMs: stage.time.nowMs, payload: observation } })
    rendered.length = 0
    const before = drawn.lines()
    stage.controller.tick()
    await stage.press()
    await settle()
    const after = drawn.lines()
    return { changed: after.filter((line, i) => line !== before[i]), after }
  }
  const panes = () => new Map(stage.controller.get().model.panes.map((p) => [p.id, p]))
  return { ...stage, drawn, look, panes }
}

function busier(o: Observation): Observation {
  if (o.gpu.kind !== 'known') throw new Error('no cards')
  const gpus = o.gpu.gpus.map((g, i) => (i === 3 ? { ...g, utilisationPercent: 41, smClockMHz: 1234 } : g))
  return { ...o, gpu: { ...o.gpu, gpus, atMs: o.atMs } }
}

describe('a look in which only figures of a card changed', () => {
  it('leaves every other pane the very object that it was', async () => {
    const patrol = await patrolling()
    await patrol.look((o) => o)
    const before = patrol.panes()
    await patrol.look(busier)
    const after = patrol.panes()
    patrol.drawn.unmount()
    const fresh = [...after].filter(([id, pane]) => before.get(id) !== pane).map(([id]) => id)
    expect(fresh).toEqual(['gpu'])
  })

  it('renders only the leaves of rows that read differently', async () => {
    const patrol = await patrolling()
    await patrol.look((o) => o)
    const { changed } = await patrol.look(busier)
    patrol.drawn.unmount()
    expect(changed.join('\n')).toContain('1234 MHz')
    expect(changed.length).toBeLessThanOrEqual(2)
    expect(rendered.length).toBeGreaterThan(0)
    for (const text of rendered) expect(changed.join('\n')).toContain(text.trim())
  })

  it('renders nothing at all while nothing reads differently, on any screen', async () => {
    for (const screen of ['patrol', 'audit', 'home'] as const) {
      const patrol = await patrolling(screen)
      await patrol.look((o) => o)
      const model = patrol.controller.get().model
      const { changed } = await patrol.look((o) => o)
      patrol.drawn.unmount()
      expect(changed, screen).toEqual([])
      expect(rendered, screen).toEqual([])
      expect(patrol.controller.get().model, screen).toBe(model)
    }
  })
})

describe('a look in which a unit went on', () => {
  it('renders its row, and the ages that changed with time', async () => {
    const patrol = await patrolling()
    await patrol.look((o) => o)
    const { changed, after } = await patrol.look((o) => {
      const at = o.units.findIndex((u) => u.state === 'running')
      return { ...o, units: o.units.map((u, i) => (i === at ? { ...u, step: 299 } : u)) }
    })
    patrol.drawn.unmount()
    expect(after.join('\n')).toContain('299/300')
    for (const text of rendered) expect(changed.join('\n')).toContain(text.trim())
  })
})
