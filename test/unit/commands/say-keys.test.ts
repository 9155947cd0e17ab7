import { describe, expect, it } from 'vitest'
import { buildKeymap } from '../../../src/commands/keymap.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import { withKeys } from '../../../src/commands/say-keys.ts'
import type { ScreenId } from '../../../src/commands/types.ts'

const registry = allCommands()
const keymap = buildKeymap(registry.specs)
const said = (text: string, screen: ScreenId = 'launch') => withKeys(text, registry, keymap, screen)

describe('texts that name commands, in the workbench', () => {
  it.each<{ text: string; is: string; on?: ScreenId }>([
    { text: 'There is no Approval yet: kx approve', is: 'There is no Approval yet: 4 a' },
    { text: 'There is no Approval yet: kx approve', is: 'There is no Approval yet: a', on: 'cost' },
    { text: 'Launch it first: kx launch', is: 'Launch it first: r' },
    { text: 'Look again: kx patrol', is: 'Look again: 6 r' },
    { text: 'new run: kx plan --new-run', is: 'new run: :plan --new-run' },
    { text: 'remove it: kx teardown remove', is: 'remove it: 7 D' },
    { text: 'a line of kx that names nothing', is: 'a line of kx that names nothing' },
    { text: 'kx went away before its end', is: 'kx went away before its end' },
  ])('$text', ({ text, is, on }) => expect(said(text, on)).toBe(is))

  it('follows the keys that a person chose', () => {
    const own = buildKeymap(registry.specs, { 'cost.approve': 'f4' })
    expect(withKeys('kx approve', registry, own, 'launch')).toMatch(/^4 F4$/i)
  })
})
