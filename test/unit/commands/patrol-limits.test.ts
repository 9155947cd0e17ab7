import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { limitsOf, patrolLimits } from '../../../src/commands/patrol-limits.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { defaultThresholds } from '../../../src/patrol/rules/thresholds.ts'
import { temporaryFolder } from '../run/support.ts'

const { patrol } = configSchema.parse({})

describe('patrol limits of the settings', () => {
  it('are the defaults of the rules where nobody changed them', () => {
    expect(defaultThresholds).toMatchObject(limitsOf(patrol))
  })

  it.each(Object.keys(patrol))('%s reaches the rules', (key) => {
    const changed = { ...patrol, [key]: patrol[key as keyof typeof patrol] / 2 }
    expect(limitsOf(changed)).not.toEqual(limitsOf(patrol))
  })

  it('come from the files of the project, and anew after a minute', async () => {
    const projectFolder = temporaryFolder()
    const file = join(projectFolder, '.kxrc')
    const env = { projectFolder, settings: {} }
    writeFileSync(file, 'patrol:\n  diskWarnPercent: 50\n')
    expect((await patrolLimits(env, 0)).diskWarnFraction).toBe(0.5)
    writeFileSync(file, 'patrol:\n  diskWarnPercent: 60\n')
    expect((await patrolLimits(env, 59_999)).diskWarnFraction).toBe(0.5)
    expect((await patrolLimits(env, 60_000)).diskWarnFraction).toBe(0.6)
  })
})
