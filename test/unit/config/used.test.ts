import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'

const root = resolve(import.meta.dirname, '../../..')
const sources = ['src', 'screens']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((f) => join(folder, f)),
  )
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith(join('src', 'config')))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

function keysOf(value: unknown, before = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [before]
  const entries = Object.entries(value)
  return entries.length === 0
    ? [before]
    : entries.flatMap(([key, each]) => keysOf(each, before === '' ? key : `${before}.${key}`))
}

// A key that can be set, is shown by `kx config`, and changes nothing is a promise broken in silence.
it.each(keysOf(configSchema.parse({})))('the setting %s is read by something', (key) => {
  expect(sources.includes(`config.${key}`) || (key.includes('.') && sources.includes(key))).toBe(true)
})
