import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readYaml, yamlLimits } from '../../../src/text/yaml.ts'
import { generatedYaml, hostileYaml } from './hostile-yaml.ts'

/** Time of this process on a core, in milliseconds: other work on the machine does not count. */
function busyMs(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const used = process.threadCpuUsage(before)
  return (used.user + used.system) / 1000
}

describe('hostile YAML', () => {
  it.each(Object.entries(hostileYaml))('refuses %s with file and line', (_, text) => {
    const result = readYaml(text, 'bad.yaml')
    expect(result.ok).toBe(false)
    if (result.ok) return
    expect(result.errors.length).toBeGreaterThan(0)
    expect(result.errors.length).toBeLessThanOrEqual(yamlLimits.problems)
    for (const error of result.errors) {
      expect(error.file).toBe('bad.yaml')
      expect(error.line).toBeGreaterThan(0)
      expect(error.line).toBeLessThanOrEqual(text.split('\n').length)
      expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('spends at most 100 ms of a core on each', () => {
    for (const [name, text] of Object.entries(hostileYaml)) {
      const best = Math.min(...[1, 2, 3].map(() => busyMs(() => readYaml(text, 'bad.yaml'))))
      expect(best, name).toBeLessThanOrEqual(100)
    }
  })

  it('never throws on line salad, and what it accepts is plain data', () => {
    fc.assert(
      fc.property(generatedYaml, (text) => {
        const result = readYaml(text, 'salad.yaml')
        if (!result.ok) return result.errors.every((e) => e.line >= 1 && e.column >= 1)
        return !JSON.stringify(result.value ?? null).includes('__proto__":')
      }),
      { numRuns: process.env.KX_FULL === '1' ? 20_000 : 500 },
    )
  })
})
