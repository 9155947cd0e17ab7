import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyTable, shortKeyTable } from '../../../src/commands/docs.ts'
import { buildKeymap } from '../../../src/commands/keymap.ts'
import { allCommands } from '../../../src/commands/list/all.ts'

const root = resolve(import.meta.dirname, '../../..')

describe('the generated docs', () => {
  it('docs/keys.md is what the registry says; `npm run docs` writes it', () => {
    expect(readFileSync(join(root, 'docs/keys.md'), 'utf8')).toBe(keyTable())
  })
  it('the README carries the short table', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(shortKeyTable())
  })
})

describe('the built-in keys', () => {
  it('have no conflicts, and every command says what it does', () => {
    const { specs } = allCommands()
    expect(buildKeymap(specs).problems).toEqual([])
    for (const spec of specs) {
      expect(spec.title, spec.id).not.toBe('')
      expect(spec.description, spec.id).toMatch(/\.$/)
      for (const name of Object.keys(spec.args.shape)) expect(name, spec.id).toMatch(/^[a-z][A-Za-z]*$/)
    }
  })
})
