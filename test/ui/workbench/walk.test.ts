import { describe, expect, it } from 'vitest'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { Observation } from '../../../src/patrol/types.ts'
import type { ActResult } from '../../../src/run/act.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'
import { nowMs, sceneAt } from '../screens/fixture.ts'
import { makeStage } from './stage.ts'

const item = (id: string, title: string): CheckedItem =>
  ({
    id,
    title,
    phase: 'audit',
    gate: 'audit',
    severity: 'error',
    how: 'auto',
    result: 'pass',
    evidence: { summary: 'seen', atMs: 0 },
  }) as unknown as CheckedItem

/** A walk that waits where the test wants it to. */
async function walking(ui = {}) {
  let env: CommandEnvironment | null = null
  let end: (result: ActResult) => void = () => {}
  const { plan } = await sceneAt('planned')
  const stage = makeStage({
    plan,
    ui: { screen: 'home', ...ui },
    runs: {
      'walk.auto': (given) => {
        env = given
        return new Promise((resolve) => {
          end = resolve
        })
      },
    },
  })
  await stage.press('W')
  const tell = async (progress: Parameters<CommandEnvironment['progress']>[0]) => {
    env?.progress(progress)
    await stage.press()
  }
  const step = (commandId: string) => tell({ text: `${commandId} …`, commandId })
  return { ...stage, tell, step, end: (result: ActResult) => end(result) }
}

describe('a walk by itself', () => {
  it('shows each phase on its own screen, item by item, with the phase running on the rail', async () => {
    const walk = await walking()
    await walk.step('plan.check')
    expect(walk.controller.ui.screen).toBe('plan')
    await walk.tell({ text: '', item: item('plan.goal', 'The goal says what changes') })
    expect(walk.text()).toContain('The goal says what changes')
    expect(walk.controller.get().input.phases.plan.state).toBe('running')
    await walk.step('audit.run')
    expect(walk.controller.ui.screen).toBe('audit')
    expect(walk.text()).toContain('checking ~')
    expect(walk.text()).not.toContain('The goal says what changes')
    await walk.tell({ text: '', item: item('audit.reachable', 'The host answers') })
    expect(walk.text()).toContain('The host answers')
    const { input } = walk.controller.get()
    expect([input.phases.plan.state, input.phases.audit.state]).toEqual(['todo', 'running'])
  })

  it('goes on to the report, which is no phase', async () => {
    const walk = await walking()
    await walk.step('teardown.verify')
    await walk.step('report.write')
    expect(walk.controller.ui.screen).toBe('report')
  })

  it('leaves a person alone who went to another screen, and takes them along again from where it is', async () => {
    const walk = await walking()
    await walk.step('plan.check')
    await walk.press('g', 'n')
    await walk.step('audit.run')
    expect(walk.controller.ui.screen).toBe('notebook')
    await walk.press('2')
    await walk.step('smoke.run')
    expect(walk.controller.ui.screen).toBe('smoke')
  })

  it('does not change the screen under a line that is being typed', async () => {
    const walk = await walking()
    await walk.step('plan.check')
    await walk.press(':', '"go."')
    await walk.step('audit.run')
    expect(walk.controller.ui.screen).toBe('plan')
    await walk.press('esc')
    await walk.step('smoke.run')
    expect(walk.controller.ui.screen).toBe('smoke')
  })

  it('draws its looks as those of the patrol', async () => {
    const { run, plan } = await sceneAt('running')
    const seen = run?.observation?.payload as Observation
    let env: CommandEnvironment | null = null
    const stage = makeStage({
      plan,
      run,
      ui: { screen: 'patrol' },
      runs: {
        'walk.auto': (given) => {
          env = given
          return new Promise(() => {})
        },
      },
    })
    stage.time.nowMs = nowMs
    await stage.press('W')
    const newer = { ...seen, atMs: nowMs, counts: { ...seen.counts, done: 41 } }
    ;(env as CommandEnvironment | null)?.progress({ text: '', commandId: 'patrol.tick', result: newer })
    await stage.press()
    expect(stage.text()).toContain('41 of 45 done')
  })

  it('asks an act that runs alone for no step', async () => {
    const walk = await walking({ screen: 'notebook' })
    await walk.tell({ text: 'something', done: 1, total: 3 })
    expect(walk.controller.ui.screen).toBe('notebook')
    walk.end({ summary: 'over', exitCode: 0, data: null })
    await walk.press()
    expect(walk.controller.get().input.live).toBeNull()
  })
})

describe('the end of a walk', () => {
  it('is no warning where only the removal is left to a person, and one where it was stopped', async () => {
    for (const [at, tone] of [
      ['teardown.remove', 'info'],
      ['cost.approve', 'warn'],
    ] as const) {
      const walk = await walking()
      walk.end({ summary: `left at ${at}`, exitCode: 3, data: { stoppedAt: at } })
      await walk.press()
      expect(walk.controller.get().message).toEqual({ text: `left at ${at}`, tone })
    }
  })
})

describe('a question that was taken back', () => {
  it('is no warning', async () => {
    const { plan } = await sceneAt('planned')
    const stage = makeStage({
      plan,
      ui: { screen: 'home' },
      runs: {
        'run.new': async (env) => {
          const isAgreed = await env.ask.confirm('Begin?', [])
          return { summary: isAgreed ? 'begun' : 'a person has to say so', exitCode: isAgreed ? 0 : 3, data: null }
        },
      },
    })
    await stage.press('N')
    stage.controller.painted()
    stage.time.monotonicMs += 10_000
    await stage.press('esc')
    await stage.press()
    expect(stage.controller.get().message).toEqual({ text: 'New run: taken back, nothing was done', tone: 'info' })
  })
})
