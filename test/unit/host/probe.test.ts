import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDfBytes } from '../../../src/host/probe/df.ts'
import { machineClassOf, usableCores } from '../../../src/host/probe/machine-class.ts'
import { gpuFields, parseGpuProcesses } from '../../../src/host/probe/nvidia.ts'
import { type Probe, parseProbe } from '../../../src/host/probe/probe.ts'
import { cutSections } from '../../../src/host/probe/sections.ts'
import { line } from '../../faults/probes/nvidia-fixtures.ts'

const nonce = 'kx-1234'
const answer = (sections: Readonly<Record<string, readonly [string, number]>>): string =>
  `${Object.entries(sections)
    .map(([name, [text, code]]) => `\n${nonce} begin ${name}\n${text}\n${nonce} end ${name} ${code}\n`)
    .join('')}\n${nonce} done\n`
const probe = (sections: Readonly<Record<string, readonly [string, number]>>): Probe =>
  parseProbe(answer(sections), nonce, [])

describe('sections', () => {
  it('come back byte for byte, whatever the command printed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 255 }),
        (texts, code) => {
          fc.pre(texts.every((text) => !text.includes(nonce)))
          const sections = cutSections(
            answer(Object.fromEntries(texts.map((text, i) => [`s${i}`, [text, code]]))),
            nonce,
          )
          for (const [i, text] of texts.entries())
            expect(sections(`s${i}`)).toEqual({ isKnown: true, value: { text, exitCode: code } })
          expect(sections('none').isKnown).toBe(false)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('are unknown when another begins before they end', () => {
    const sections = cutSections(
      `\n${nonce} begin a\nx\n${nonce} begin b\ny\n\n${nonce} end b 0\n\n${nonce} end a 0\n`,
      nonce,
    )
    expect([sections('a').isKnown, sections('b').isKnown]).toEqual([false, true])
  })
})

describe('machine class', () => {
  const cpu = { cores: ['16\n', 0], arch: ['x86_64\n', 0] } as const
  const limited = (quota: string) => ({
    cgroup: [`version 2\n0 memory.max max\n0 cpu.max ${quota}\nend\n`, 0] as const,
  })
  const gpus = (count: number) => ({ gpus: [`${gpuFields.join(',')}\n${line().repeat(count)}`, 0] as const })

  it('names cores that may be used, not those of the machine', () => {
    expect(machineClassOf(probe(cpu), 'cpu')).toBe('cpu-x86_64-16c')
    expect(machineClassOf(probe({ ...cpu, ...limited('250000 100000') }), 'cpu')).toBe('cpu-x86_64-2c')
    expect(machineClassOf(probe({ ...cpu, ...limited('50000 100000') }), 'cpu')).toBe('cpu-x86_64-1c')
    expect(machineClassOf(probe({ ...cpu, ...limited('max 100000') }), 'cpu')).toBe('cpu-x86_64-16c')
    expect(usableCores(probe({ ...cpu, ...limited('250000 100000') }))).toEqual({ isKnown: true, value: 2.5 })
  })

  it('says what it does not know', () => {
    expect(machineClassOf(probe({}), 'cpu')).toBe('cpu-unknown-unknown')
    expect(machineClassOf(probe({ ...cpu, gpus: ['', 124] }), 'gpu')).toBe('gpu-unknown')
  })

  it('names the cards that a GPU plan runs on', () => {
    expect(machineClassOf(probe({ ...cpu, ...gpus(1) }), 'gpu')).toBe('NVIDIA A100-SXM4-80GB')
    expect(machineClassOf(probe({ ...cpu, ...gpus(8) }), 'gpu')).toBe('8x NVIDIA A100-SXM4-80GB')
    expect(machineClassOf(probe({ ...cpu, ...gpus(8) }), 'cpu')).toBe('cpu-x86_64-16c')
    expect(machineClassOf(probe({ ...cpu, gpus: ['', 127] }), 'gpu')).toBe('cpu-x86_64-16c')
  })
})

it('gives up on hostile text instead of matching it', () => {
  const spaces = ' '.repeat(1_000_000)
  expect(parseDfBytes(`Filesystem 1-blocks Used Available Capacity Mounted on\nx${spaces}\n`).isKnown).toBe(false)
  expect(parseGpuProcesses(`GPU-1, 1, ${spaces}\n`).isKnown).toBe(false)
})
