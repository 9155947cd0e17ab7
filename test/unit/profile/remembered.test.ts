import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { rememberedProfiles } from '../../../src/profile/remembered.ts'

const shipped = resolve(import.meta.dirname, '../../../profiles')
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

it('reads again when a file changed, and not otherwise', async () => {
  const builtIn = mkdtempSync(join(tmpdir(), 'kx-profiles-'))
  folders.push(builtIn)
  for (const name of readdirSync(shipped)) copyFileSync(join(shipped, name), join(builtIn, name))
  const first = await rememberedProfiles({ builtIn, user: null })
  expect(first.profiles.has('local')).toBe(true)
  expect(await rememberedProfiles({ builtIn, user: null })).toBe(first)
  writeFileSync(join(builtIn, 'broken.yaml'), 'platform: [')
  const second = await rememberedProfiles({ builtIn, user: null })
  expect(second).not.toBe(first)
  expect(second.problems.length).toBeGreaterThan(0)
  expect(await rememberedProfiles({ builtIn, user: join(builtIn, 'none') })).not.toBe(second)
})

it('reads only the files that the one profile is made of', async () => {
  const builtIn = mkdtempSync(join(tmpdir(), 'kx-profiles-'))
  folders.push(builtIn)
  for (const name of readdirSync(shipped)) copyFileSync(join(shipped, name), join(builtIn, name))
  const { profiles, problems } = await rememberedProfiles({ builtIn, user: null })
  expect(problems).toEqual([])
  expect(profiles.size).toBe(readdirSync(shipped).length)
  writeFileSync(join(builtIn, 'broken.yaml'), 'platform: [')
  const again = await rememberedProfiles({ builtIn, user: null })
  expect(again.profiles.get('local')?.profile.platform).toBe('local')
  // Nobody has asked for this one yet, so what it holds by now counts.
  writeFileSync(join(builtIn, 'broken.yaml'), 'extends: local\nplatform: broken\n')
  expect(again.profiles.has('broken')).toBe(true)
  expect(again.profiles.has('nowhere')).toBe(false)
  expect([...again.profiles.keys()]).toContain('broken')
})
