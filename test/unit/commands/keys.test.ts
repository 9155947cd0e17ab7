import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { chordOf, parseChord, showChord } from '../../../src/commands/chord.ts'
import { buildKeymap, lookup } from '../../../src/commands/keymap.ts'
import { completeLine, parseLine, splitWords } from '../../../src/commands/line.ts'
import { command, createRegistry, noArgs, whyDisabled } from '../../../src/commands/registry.ts'

const key = (name: string, more: object = {}) => ({ name, ctrl: false, meta: false, shift: false, text: '', ...more })
const spec = (id: string, keys: string[], where: 'global' | 'audit'[] | 'plan'[] = 'global') =>
  command({ id, title: id, description: id, args: noArgs, keys, where, risk: 'read' })

describe('chords', () => {
  it('writes keys as bindings do', () => {
    expect(chordOf(key('l', { ctrl: true }))).toBe('ctrl+l')
    expect(chordOf(key('g', { shift: true, text: 'G' }))).toBe('G')
    expect(chordOf(key('tab', { shift: true }))).toBe('shift+tab')
    expect(chordOf(key('b', { meta: true }))).toBe('alt+b')
  })
  it('parses what a person may write', () => {
    expect(parseChord('Ctrl+L')).toEqual(['ctrl+l'])
    expect(parseChord('g p')).toEqual(['g', 'p'])
    expect(parseChord('shift+g')).toEqual(['G'])
    expect(parseChord('Shift+Tab')).toEqual(['shift+tab'])
    expect(parseChord('ctrl+')).toBeNull()
    expect(parseChord('nonsense')).toBeNull()
  })
  it('shows keys for people, in ASCII too', () => {
    expect(showChord('ctrl+l')).toBe('Ctrl-L')
    expect(showChord('g p')).toBe('g p')
    expect(showChord('up')).toBe('↑')
    expect(showChord('up', true)).toBe('Up')
  })
})

describe('keymap', () => {
  it('finds a command, waits inside a chord, and says what may follow', () => {
    const map = buildKeymap([spec('a', ['g p']), spec('b', ['g a']), spec('c', ['q'])])
    expect(lookup(map, ['q'], 'home')).toEqual({ kind: 'command', commandId: 'c' })
    expect(lookup(map, ['g'], 'home')).toMatchObject({ kind: 'pending', next: [{ press: 'p' }, { press: 'a' }] })
    expect(lookup(map, ['g', 'a'], 'home')).toEqual({ kind: 'command', commandId: 'b' })
    expect(lookup(map, ['x'], 'home')).toEqual({ kind: 'none' })
  })
  it('lets a screen shadow a global key, there alone', () => {
    const map = buildKeymap([spec('everywhere', ['r']), spec('here', ['r'], ['audit'])])
    expect(map.problems).toEqual([])
    expect(lookup(map, ['r'], 'audit')).toEqual({ kind: 'command', commandId: 'here' })
    expect(lookup(map, ['r'], 'plan')).toEqual({ kind: 'command', commandId: 'everywhere' })
  })
  it('reports conflicts, unknown commands and keys that are none', () => {
    const map = buildKeymap([spec('a', ['x']), spec('b', ['y'])], { b: 'x', nobody: 'z', a: 'hyper' })
    expect(map.problems.map((p) => p.commandId).sort()).toEqual(['a', 'nobody'])
    expect(lookup(map, ['x'], 'home')).toEqual({ kind: 'command', commandId: 'b' })
  })
  it('reports a key of a person that hides another command on a screen, and binds it all the same', () => {
    const specs = [spec('down', ['j', 'g g']), spec('check', ['r'], ['plan']), spec('look', ['r'], ['audit'])]
    const shadow = buildKeymap(specs, { check: 'j' })
    expect(shadow.problems.map((p) => p.text)).toEqual([
      'keys.check: "j" takes the place of down on the screen plan; give one of the two another key in .kxrc',
    ])
    expect(lookup(shadow, ['j'], 'plan')).toEqual({ kind: 'command', commandId: 'check' })
    expect(lookup(shadow, ['j'], 'audit')).toEqual({ kind: 'command', commandId: 'down' })
    // The beginning of a chord, and a global key that screens keep for themselves.
    expect(buildKeymap(specs, { check: 'g' }).problems[0]?.text).toContain('"g" takes the place of down')
    expect(buildKeymap(specs, { down: 'r' }).problems.map((p) => p.text)).toEqual([
      'keys.down: "r" runs check on the screen plan; give one of the two another key in .kxrc',
      'keys.down: "r" runs look on the screen audit; give one of the two another key in .kxrc',
    ])
    expect(buildKeymap(specs, { check: 'x', down: 'n' }).problems).toEqual([])
  })
  it('reports a key that is the beginning of another chord', () => {
    expect(buildKeymap([spec('a', ['g']), spec('b', ['g g'])]).problems).toHaveLength(1)
  })
  it('takes a key away with null', () => {
    expect(lookup(buildKeymap([spec('a', ['x'])], { a: null }), ['x'], 'home')).toEqual({ kind: 'none' })
  })
})

describe('the command line', () => {
  const audit = command({
    id: 'audit.run',
    title: 'Audit',
    description: '',
    args: z.strictObject({
      only: z.array(z.string()).optional(),
      depth: z.number().int().default(1),
      force: z.boolean().default(false),
    }),
    positional: ['only'],
    where: 'global',
    risk: 'change',
    cli: ['audit'],
  })
  const show = command({
    id: 'profile.show',
    title: 'Show',
    description: '',
    args: z.strictObject({ name: z.string(), as: z.enum(['text', 'yaml']).default('text') }),
    positional: ['name'],
    where: 'global',
    risk: 'read',
    cli: ['profile', 'show'],
  })
  const all = [audit, show]
  it('reads words, flags, numbers and lists', () => {
    const r = parseLine(all, 'audit gpu-present,shm --depth 3 --force')
    expect(r).toMatchObject({ ok: true, parsed: { args: { only: ['gpu-present', 'shm'], depth: 3, force: true } } })
    expect(parseLine(all, 'profile show "my box" --as=yaml')).toMatchObject({
      ok: true,
      parsed: { args: { name: 'my box', as: 'yaml' } },
    })
  })
  it('says what is wrong in words', () => {
    const text = (line: string) => {
      const r = parseLine(all, line)
      return r.ok ? '' : r.text
    }
    expect(text('adit')).toContain('no command "adit"')
    expect(text('audit --dept 3')).toContain('--depth')
    expect(text('audit --depth many')).toContain('depth')
    expect(text('profile show a b')).toContain('one word too many')
    expect(text('audit "open')).toContain('quote')
  })
  it('completes commands, flags and choices', () => {
    expect(completeLine(all, 'au')).toContain('audit')
    expect(completeLine(all, 'profile ')).toContain('show')
    expect(completeLine(all, 'audit --')).toContain('--depth')
    expect(completeLine(all, 'profile show x --as ')).toEqual(['text', 'yaml'])
  })
  it('gives words back that were quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
        const line = words.map((w) => `"${w.replace(/["\\]/g, (c) => `\\${c}`)}"`).join(' ')
        expect(splitWords(line)).toEqual(words)
      }),
    )
  })
})

describe('the registry', () => {
  it('refuses two commands of one name', () => {
    expect(() => createRegistry([spec('a', []), spec('a', [])])).toThrow('two commands')
  })
  it('says why a command cannot run', () => {
    const state = {
      screen: 'audit',
      run: null,
      hasPlan: true,
      busyWith: 'smoke.run',
      selection: null,
      nowMs: 0,
    } as const
    const act = command({
      id: 'x',
      title: '',
      description: '',
      args: noArgs,
      where: 'global',
      risk: 'change',
      run: async () => ({ summary: '', exitCode: 0, data: null }),
    })
    expect(whyDisabled(act, state)).toContain('smoke.run is running')
    expect(whyDisabled(act, { ...state, busyWith: null })).toBeNull()
  })
})
