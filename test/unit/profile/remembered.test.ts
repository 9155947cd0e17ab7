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
