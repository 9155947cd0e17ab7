import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { openMemory, saveAfterMs, sessionFileOf } from '../../../src/session/memory.ts'
import { temporaryFolder } from '../run/support.ts'

interface Remembered {
  readonly screen: string
  readonly draft: string
}

const fresh: Remembered = { screen: 'home', draft: '' }
const parse = (stored: unknown): Remembered | null => {
  const s = stored as Partial<Remembered> | null
  return typeof s?.screen === 'string' && typeof s.draft === 'string' ? { screen: s.screen, draft: s.draft } : null
}

function memory(stateFolder: string, more: { onTrouble?: (text: string | null) => void } = {}) {
  return openMemory<Remembered>({ stateFolder, projectFolder: '/home/ada/project', fresh, parse, ...more })
}

describe('session memory', () => {
  it('starts afresh without a word where nothing was', () => {
    const folder = join(temporaryFolder(), 'kx')
    expect(memory(folder).load()).toEqual({ value: fresh, warning: null })
    expect(existsSync(folder)).toBe(false)
  })

  it('has everything again, half-typed input included, and is private', () => {
    const folder = join(temporaryFolder(), 'kx')
    const value = { screen: 'patrol', draft: ':overr\u00fc' }
    const first = memory(folder)
    first.set(value)
    first.flush()
    expect(memory(folder).load()).toEqual({ value, warning: null })
    expect(statSync(first.file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(first.file)).mode & 0o777).toBe(0o700)
    expect(sessionFileOf(folder, '/home/ada/other')).not.toBe(first.file)
  })

  it('saves within 100 ms of the first change, also while changes go on, and once for many', () => {
    vi.useFakeTimers()
    try {
      const folder = join(temporaryFolder(), 'kx')
      const m = memory(folder)
      const stored = () => (existsSync(m.file) ? JSON.parse(readFileSync(m.file, 'utf8')).value.draft : null)
      for (let i = 0; i < 30; i += 1) {
        m.set({ screen: 'plan', draft: `${i}` })
        vi.advanceTimersByTime(saveAfterMs / 10)
        if (i < 9) expect(stored()).toBeNull()
        if (i === 9) expect(stored()).toBe('9')
        if (i > 9 && i < 19) expect(stored()).toBe('9')
      }
      expect(stored()).toBe('29')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not write what is on disk already', () => {
    const folder = join(temporaryFolder(), 'kx')
    const m = memory(folder)
    m.set({ screen: 'plan', draft: 'x' })
    m.flush()
    const { ino } = statSync(m.file)
    m.set({ screen: 'plan', draft: 'x' })
    m.flush()
    expect(statSync(m.file).ino).toBe(ino)
  })

  it('never believes a changed or cut file: it is kept aside and said (property)', () => {
    const folder = join(temporaryFolder(), 'kx')
    const m = memory(folder)
    const value = { screen: 'plan', draft: 'half' }
    m.set(value)
    m.flush()
    const whole = readFileSync(m.file)
    fc.assert(
      fc.property(fc.nat(whole.length - 2), fc.integer({ min: 0, max: 255 }), (at, flip) => {
        const bytes = flip === 0 ? whole.subarray(0, at) : Buffer.from(whole)
        if (flip !== 0) bytes[at] = (bytes[at] ?? 0) ^ flip
        rmSync(`${m.file}.bad`, { force: true })
        writeFileSync(m.file, bytes)
        const { value: loaded, warning } = memory(folder).load()
        if (warning === null) expect(loaded).toEqual(value)
        else {
          expect(loaded).toEqual(fresh)
          expect(warning).toMatch(/starts afresh\. The file is kept as .*\.bad/)
          expect(readFileSync(`${m.file}.bad`).equals(bytes)).toBe(true)
          expect(existsSync(m.file)).toBe(false)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('refuses what does not fit this version and what belongs to another project', () => {
    const folder = join(temporaryFolder(), 'kx')
    const m = openMemory<unknown>({
      stateFolder: folder,
      projectFolder: '/home/ada/project',
      fresh: null,
      parse: (v) => v,
    })
    m.set({ screen: 7 })
    m.flush()
    expect(memory(folder).load().warning).toMatch(/does not fit/)
    const other = openMemory<unknown>({ stateFolder: folder, projectFolder: '/other', fresh, parse })
    other.set(fresh)
    other.flush()
    writeFileSync(m.file, readFileSync(other.file))
    expect(memory(folder).load().warning).toMatch(/another project/)
  })

  it('sweeps temps of dead processes, and says once when it cannot save', () => {
    const base = temporaryFolder()
    const folder = join(base, 'kx')
    const m = memory(folder)
    m.set(fresh)
    m.flush()
    const left = join(dirname(m.file), `.${'a'.repeat(32)}.json.999999999.deadbeef.tmp`)
    writeFileSync(left, '{"v":1')
    memory(folder).load()
    expect(readdirSync(dirname(m.file))).toHaveLength(1)
    const said: (string | null)[] = []
    rmSync(folder, { recursive: true })
    writeFileSync(folder, 'in the way')
    const blocked = memory(folder, { onTrouble: (text) => said.push(text) })
    for (const draft of ['a', 'b']) {
      blocked.set({ screen: 'plan', draft })
      blocked.flush()
    }
    expect(said).toEqual([expect.stringMatching(/cannot be remembered/)])
    rmSync(folder)
    mkdirSync(folder, { mode: 0o700 })
    blocked.set({ screen: 'plan', draft: 'c' })
    blocked.flush()
    expect(said.at(-1)).toBeNull()
  })
})
