import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  gpuFields,
  isSlowedByHardware,
  parseGpuProcesses,
  parseGpus,
  parseXids,
} from '../../../src/host/probe/nvidia.ts'
import type { Reading } from '../../../src/host/probe/value.ts'
import { fuzzRuns } from './fuzz-runs.ts'
import { line, nvidiaFixtures } from './nvidia-fixtures.ts'

describe('nvidia-smi fixtures', () => {
  it('are at least sixty', () => expect(nvidiaFixtures.length).toBeGreaterThanOrEqual(60))

  it.each(nvidiaFixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
    const parsed = parseGpus(fixture.text, fixture.fields)
    if (fixture.cards === null) {
      expect(parsed.isKnown).toBe(false)
      return
    }
    if (!parsed.isKnown) throw new Error(parsed.reason)
    expect(parsed.value.gpus.length).toBe(fixture.cards)
    const first = parsed.value.gpus[0] as unknown as Readonly<Record<string, Reading<unknown>>>
    for (const key of fixture.unknown ?? []) expect([key, first[key]?.isKnown]).toEqual([key, false])
    for (const [key, value] of Object.entries(fixture.values ?? {}))
      expect([key, first[key]]).toEqual([key, { isKnown: true, value }])
  })

  it('cut at every byte are the same cards, fewer, or unknown', () => {
    for (const fixture of nvidiaFixtures) {
      const whole = parseGpus(fixture.text, fixture.fields)
      const cards = whole.isKnown ? whole.value.gpus : []
      for (let end = 0; end < fixture.text.length; end++) {
        const cut = parseGpus(fixture.text.slice(0, end), fixture.fields)
        if (cut.isKnown) expect(cut.value.gpus).toEqual(cards.slice(0, cut.value.gpus.length))
      }
    }
  })

  it('says that a card is lost', () => {
    const lost = parseGpus(`${line()}Unable to determine the device handle for GPU0000:02:00.0: GPU is lost.\n`)
    expect(lost.isKnown && lost.value.lost.length).toBe(1)
  })

  it('reads the throttle mask', () => {
    const slowed = (mask: string) => {
      const parsed = parseGpus(line({ 'clocks_throttle_reasons.active': mask }))
      const gpu = parsed.isKnown ? parsed.value.gpus[0] : undefined
      return gpu === undefined ? null : isSlowedByHardware(gpu)
    }
    expect(slowed('0x0000000000000004')).toEqual({ isKnown: true, value: false })
    expect(slowed('0x0000000000000008')).toEqual({ isKnown: true, value: true })
    expect(slowed('0x0000000000000080')).toEqual({ isKnown: true, value: true })
    expect(slowed('[N/A]')?.isKnown).toBe(false)
  })
})

describe('processes on the cards', () => {
  const uuid = 'GPU-5f1c9a0e-7d2b-4c5e-9a61-0c9d3b7e2f11'
  it.each([
    ['plain', `${uuid}, 1234, python, 500\n`, [{ pid: 1234, name: 'python', usedMiB: 500 }]],
    [
      'commas in the name',
      `${uuid}, 1, /opt/a, b/python, 3, 20 MiB\n`,
      [{ pid: 1, name: '/opt/a, b/python, 3', usedMiB: 20 }],
    ],
    ['not told', `${uuid}, [N/A], [Not Found], [N/A]\n`, [{ pid: null, name: '[Not Found]', usedMiB: null }]],
    ['none', '', []],
    ['none in words', 'No running processes found\n', []],
    ['cut', `${uuid}, 1234, pyth`, null],
    ['chatter', 'WARNING: something\n', null],
    ['no driver', 'NVIDIA-SMI has failed because\n', null],
  ] as const)('%s', (_, text, expected) => {
    const parsed = parseGpuProcesses(text)
    const plain = parsed.isKnown
      ? parsed.value.map((p) => ({
          pid: p.pid.isKnown ? p.pid.value : null,
          name: p.name,
          usedMiB: p.usedMiB.isKnown ? p.usedMiB.value : null,
        }))
      : null
    expect(plain).toEqual(expected)
  })

  it('finds Xids in the kernel log', () => {
    const log =
      '[Mon] NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.\n[Mon] NVRM: Xid (PCI:0000:3b:00): 13, x\n'
    expect(parseXids(log)).toEqual([79, 13])
    expect(parseXids('')).toEqual([])
  })
})

describe('fuzz', () => {
  const alphabet = fc.constantFrom(
    ', ',
    ',',
    '\n',
    '[N/A]',
    '0',
    '87',
    'GPU-1',
    'ERR!',
    '%',
    ' MiB',
    '\u0000',
    'é',
    '0x',
    'NaN',
    '1e9',
    '-',
  )
  const numRuns = fuzzRuns

  it('never throws and never makes a figure out of a word', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join('')),
        ),
        (text) => {
          parseGpuProcesses(text)
          parseXids(text)
          const parsed = parseGpus(text)
          if (parsed.isKnown)
            for (const gpu of parsed.value.gpus)
              for (const reading of Object.values(gpu))
                if (reading.isKnown && typeof reading.value === 'number' && !(reading.value >= 0))
                  throw new Error('not a figure')
        },
      ),
      { numRuns },
    )
  })

  it('mutated cells give the value that stands there, or unknown', () => {
    fc.assert(
      fc.property(fc.constantFrom(...gpuFields), fc.string({ maxLength: 12 }), (field, cell) => {
        fc.pre(!/[,\n\r]/.test(cell))
        const parsed = parseGpus(line({ [field]: cell }))
        if (!parsed.isKnown) return
        const gpu = parsed.value.gpus[0]
        if (field === 'utilization.gpu' && gpu?.utilisationPercent.isKnown)
          expect(Number(cell.trim().replace(/ ?%$/, ''))).toBe(gpu.utilisationPercent.value)
        if (field !== 'utilization.gpu' && gpu !== undefined)
          expect(gpu.utilisationPercent).toEqual({ isKnown: true, value: 87 })
      }),
      { numRuns },
    )
  })
})
