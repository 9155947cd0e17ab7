import { resolve } from 'node:path'
import { expect, it, vi } from 'vitest'
import { audit } from '../../../src/audit/service.ts'
import { launchItems } from '../../../src/launch/rules.ts'
import type { LaunchFacts } from '../../../src/launch/types.ts'
import { planRules } from '../../../src/plan/rules.ts'
import { loadProfiles } from '../../../src/profile/load.ts'
import { acknowledgeClocks } from '../../../src/run/read-clocks.ts'
import { contextWith } from '../audit/support.ts'
import { ruleInput } from '../plan/rule-input.ts'

const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
const autodl = profiles.get('autodl')?.profile
if (autodl === undefined) throw new Error('no autodl')

it('blocks the plan until its clocks are acknowledged, as an item that says how', () => {
  const item = (unreadClocks?: typeof autodl.dangerClocks) =>
    planRules(ruleInput({ facts: { profile: autodl, ...(unreadClocks && { unreadClocks }) } })).find(
      (i) => i.id === 'plan.danger-clocks',
    )
  expect(item()).toMatchObject({ result: 'unknown', severity: 'error' })
  expect(item()?.evidence.summary).toContain('2 clocks to acknowledge: kx profile acknowledge autodl')
  expect(item(autodl.dangerClocks.slice(1))?.evidence.summary).toContain('1 clock to acknowledge')
  expect(item([])).toMatchObject({ result: 'pass' })
  expect(planRules(ruleInput()).find((i) => i.id === 'plan.danger-clocks')?.result).toBe('not-applicable')
})

it('warns in the audit, and passes once they were read', async () => {
  const local = await contextWith()
  vi.stubEnv('HOME', local.home)
  vi.stubEnv('XDG_STATE_HOME', undefined)
  try {
    const look = async (profile: typeof autodl) => {
      const found = await audit({ ...local, profile }, { only: ['audit.danger-clocks'] })
      return found.proof?.items.find((i) => i.id === 'audit.danger-clocks')
    }
    expect(await look(local.profile)).toMatchObject({ result: 'not-applicable' })
    expect(await look(autodl)).toMatchObject({ result: 'unknown', severity: 'warn' })
    acknowledgeClocks(autodl, autodl.dangerClocks, { who: 'ada', atMs: 1 })
    expect(await look(autodl)).toMatchObject({ result: 'pass', severity: 'warn' })
  } finally {
    vi.unstubAllEnvs()
  }
})

it('warns in the receipt of the launch', () => {
  const item = (clocks?: LaunchFacts['clocks']) => {
    const facts = {
      nowMs: 1,
      host: { host: 'box' },
      platform: 'autodl',
      plan: {
        data: [],
        artifacts: [],
        environment: { kind: 'system' },
        tracking: { kind: 'plain' },
        resources: {},
        abort: {},
      },
      handle: { process: {} },
      firstSign: { kind: 'none', reason: 'none', logTail: [] },
      runConfigSha256: '',
      git: null,
      leaseUntilMs: null,
      ...(clocks && { clocks }),
    } as unknown as LaunchFacts
    return launchItems(facts).find((i) => i.id === 'launch.danger-clocks')
  }
  expect(item()?.result).toBe('not-applicable')
  expect(item({ total: 2, unread: ['stopped'] })).toMatchObject({ result: 'unknown', severity: 'warn' })
  expect(item({ total: 2, unread: [] })?.result).toBe('pass')
})
