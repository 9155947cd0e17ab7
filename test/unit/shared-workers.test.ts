import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const tests = resolve(import.meta.dirname, '..')
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(tests, name), 'utf8') }))
const isTest = (name: string) => /\.test\.tsx?$/.test(name)

describe('test files share workers', () => {
  it('have no helper that registers a hook while it loads: it would hold for the first file only', () => {
    const early = files.filter(({ name, text }) => !isTest(name) && /^(before|after)(Each|All)\(/m.test(text))
    expect(early.map((file) => file.name)).toEqual(['harness/each-file.ts'])
  })

  it('are named *.apart.test when they replace a module or ask what is loaded', () => {
    const replaces = /\bvi\.(mock|doMock|resetModules)\(|\)\.cache\b|process\.chdir\(|\bprocess\.title\b/
    const own = files.filter(({ name, text }) => isTest(name) && replaces.test(text)).map((file) => file.name)
    expect(own.filter((name) => !/\.apart\.test\.tsx?$/.test(name) && name !== 'unit/shared-workers.test.ts')).toEqual(
      [],
    )
    expect(own.length).toBeGreaterThan(2)
  })
})
