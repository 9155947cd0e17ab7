import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { loadProfiles } from '../../../src/profile/load.ts'
import { meterLines, removalText } from '../../../src/teardown/rules.ts'
import { permit, remove, verify } from '../../../src/teardown/service.ts'
import { stage } from './support.ts'

const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
const of = (id: string) => {
  const found = profiles.get(id)
  if (found === undefined) throw new Error(id)
  return found.profile
}

it('says which steps end the meter, and nothing where none runs', () => {
  expect(meterLines(of('local'))).toEqual([])
  expect(meterLines(of('autodl')).join('\n')).toMatch(/^The meter goes on[\s\S]*关机:\n {2}press 关机/)
  const nameless = { ...of('autodl'), meterStopVerb: 'halt' }
  expect(meterLines(nameless)).toEqual(['The meter goes on, and the profile names no verb that ends it.'])
})

it('keeps the meter of a rented machine open when its folder is gone, and says what is still to be done', async () => {
  const runpod = of('runpod')
  const on = await stage({
    profile: {
      billing: runpod.billing,
      meterStopVerb: runpod.meterStopVerb,
      meterStopIrreversible: runpod.meterStopIrreversible,
    },
  })
  try {
    await on.run.append('meter.opened', {
      meterId: 'm1',
      what: 'pod',
      host: 'local',
      usdPerHour: 0.4,
      leaseUntilMs: null,
    })
    await verify(on.ctx())
    expect(removalText(on.run.state())?.detail.join('\n')).toMatch(/goes on until this is done[\s\S]*terminate the pod/)
    await permit(on.ctx(), { typedName: on.run.id })
    const result = await remove(on.ctx(), { gapMs: 1 })
    expect(existsSync(on.box)).toBe(false)
    expect(result.exitCode).toBe(4)
    expect(result.summary).toContain('still billing, unconfirmed')
    expect(on.lines.join('\n')).toMatch(/1\. terminate the pod[\s\S]*2\. poll the pod until the answer is 404/)
    expect(on.run.state().meters[0]?.closedAtMs).toBeNull()
    expect(result.proof?.items.find((i) => i.id === 'teardown.instance')).toMatchObject({ result: 'unknown' })
  } finally {
    await on.close()
  }
})
