import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { borrowSamples } from '../../../src/patrol/lent-samples.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-lent-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

describe('borrowed samples', () => {
  it('are one and the same for whoever asks, also after they were given back', () => {
    const file = join(folder, 'samples.db')
    const one = borrowSamples(file)
    one.set('k', 1)
    one.close()
    const two = borrowSamples(file)
    expect(two).toBe(one)
    expect(two.get('k')).toBe(1)
    two.close()
  })

  it('are closed when nobody asked for a minute', () => {
    vi.useFakeTimers()
    const file = join(folder, 'samples.db')
    const one = borrowSamples(file)
    one.close()
    vi.advanceTimersByTime(59_000)
    expect(one.get('k')).toBeNull()
    vi.advanceTimersByTime(2000)
    expect(() => one.get('k')).toThrow(/not open|finalized/)
    const again = borrowSamples(file)
    expect(again.get('k')).toBeNull()
    again.close()
  })

  it('are opened anew when the file was replaced', () => {
    const file = join(folder, 'samples.db')
    const one = borrowSamples(file)
    one.set('k', 1)
    one.close()
    renameSync(file, `${file}.old`)
    const two = borrowSamples(file)
    expect(two).not.toBe(one)
    expect(two.get('k')).toBeNull()
    two.close()
  })
})
