import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Limit, parseCgroup, parseCpuMax, parseMemoryLimit } from '../../../src/host/probe/cgroup.ts'
import { bytesUsedFraction, parseDfBytes, parseDfInodes } from '../../../src/host/probe/df.ts'
import {
  parseCpuTicks,
  parseLoadavg,
  parseMeminfo,
  parseOneNumber,
  parseUptimeSeconds,
  parseVmstatOomKills,
} from '../../../src/host/probe/figures.ts'
import { mountOf, parseMountinfo } from '../../../src/host/probe/mountinfo.ts'
import { parseProcessStat, parseProcessStatus } from '../../../src/host/probe/process.ts'
import { parseTmuxSessions } from '../../../src/host/probe/tmux.ts'
import { orNull, type Reading } from '../../../src/host/probe/value.ts'
import { fuzzRuns } from './fuzz-runs.ts'
import { byteFixtures, cgroupFixtures, inodeFixtures } from './host-fixtures.ts'

/** Every prefix of an answer gives the whole answer's value, or unknown. */
function cutEverywhere<T>(text: string, parse: (text: string) => Reading<T>): void {
  const whole = parse(text)
  for (let end = 0; end < text.length; end++) {
    const cut = parse(text.slice(0, end))
    if (cut.isKnown) expect([text.slice(0, end), cut]).toEqual([text.slice(0, end), whole])
  }
}

const stat = `1234 (my) prog (x) S 1 1234 1234 0 -1 4194304 100 0 0 0 15 7 0 0 20 0 3 0 174448 1000 200 18446744073709551615 1\n`

describe('counts', () => {
  it('has at least eighty fixtures', () => {
    expect(byteFixtures.length + inodeFixtures.length + cgroupFixtures.length).toBeGreaterThanOrEqual(80)
  })
})

describe('df bytes', () => {
  it.each(byteFixtures.map((f) => [f.name, f] as const))('%s', (_, fixture) => {
    const parsed = parseDfBytes(fixture.text)
    const plain = parsed.isKnown ? [parsed.value.totalBytes, parsed.value.usedBytes, parsed.value.availableBytes] : null
    expect(plain).toEqual(fixture.is)
    if (fixture.mount !== undefined && parsed.isKnown) expect(parsed.value.mount).toBe(fixture.mount)
    // A newline in a name, or a second row, leaves a whole row when it is cut there.
    if (!/a\nb|\n\/dev\/b/.test(fixture.text)) cutEverywhere(fixture.text, parseDfBytes)
  })

  it('counts what is kept for root as used up', () => {
    const parsed = parseDfBytes('Filesystem 1-blocks Used Available Capacity Mounted on\n/dev/x 1000 900 50 95% /\n')
    expect(parsed.isKnown && bytesUsedFraction(parsed.value)).toBeCloseTo(900 / 950)
  })
})

describe('df inodes', () => {
  it.each(inodeFixtures.map((f) => [f.name, f] as const))('%s', (_, fixture) => {
    const parsed = parseDfInodes(fixture.text)
    expect(parsed.isKnown ? [parsed.value.total, parsed.value.used, parsed.value.free] : null).toEqual(fixture.is)
    if (fixture.mount !== undefined && parsed.isKnown) expect(parsed.value.mount).toBe(fixture.mount)
    if (!fixture.text.includes('x\ny')) cutEverywhere(fixture.text, parseDfInodes)
  })
})

describe('control groups', () => {
  it.each(cgroupFixtures.map((f) => [f.name, f] as const))('%s', (_, fixture) => {
    const parsed = parseCgroup(fixture.text)
    const figures = {
      limit: orNull<Limit>(parsed.memoryLimitBytes),
      working: orNull(parsed.memoryWorkingBytes),
      kills: orNull(parsed.oomKills),
      cores: orNull<Limit>(parsed.cpuCores),
    }
    const { name: _name, text: _text, ...expected } = fixture
    expect(figures).toEqual(expected)
    cutEverywhere(fixture.text, (text) => parseCgroup(text).memoryLimitBytes)
    cutEverywhere(fixture.text, (text) => parseCgroup(text).cpuCores)
    cutEverywhere(fixture.text, (text) => parseCgroup(text).oomKills)
  })

  it('reads single files', () => {
    expect(parseMemoryLimit('max\n')).toEqual({ isKnown: true, value: 'none' })
    expect(parseMemoryLimit('-1').isKnown).toBe(false)
    expect(parseCpuMax('200000 100000\n')).toEqual({ isKnown: true, value: 2 })
    expect(parseVmstatOomKills('oom_kill 12\n')).toEqual({ isKnown: true, value: 12 })
  })
})

describe('figures of the machine', () => {
  it('reads meminfo, and cuts nothing short', () => {
    const text = 'MemTotal:       24682416 kB\nMemFree:        1000 kB\nMemAvailable:   23930808 kB\n'
    expect(parseMeminfo(text).totalBytes).toEqual({ isKnown: true, value: 24682416 * 1024 })
    expect(parseMeminfo(text).availableBytes).toEqual({ isKnown: true, value: 23930808 * 1024 })
    expect(parseMeminfo('MemTotal: 1 MB\n').totalBytes.isKnown).toBe(false)
    cutEverywhere(text, (cut) => parseMeminfo(cut).availableBytes)
    cutEverywhere(text, (cut) => parseMeminfo(cut).totalBytes)
  })

  it('reads load, uptime, CPU time and single numbers', () => {
    expect(parseLoadavg('0.96 0.43 400.21 1/200 5000\n')).toEqual({ isKnown: true, value: [0.96, 0.43, 400.21] })
    expect(parseUptimeSeconds('1744.82 3000.11\n')).toEqual({ isKnown: true, value: 1744.82 })
    expect(parseCpuTicks('cpu  10 1 5 80 4 0 0 0 3 0\n')).toEqual({ isKnown: true, value: { total: 100, busy: 16 } })
    expect(parseOneNumber('16\n')).toEqual({ isKnown: true, value: 16 })
    cutEverywhere('0.96 0.43 400.21 1/200 5000\n', parseLoadavg)
    cutEverywhere('1744.82 3000.11\n', parseUptimeSeconds)
    cutEverywhere('cpu  10 1 5 80 4 0 0 0 3 0\n', parseCpuTicks)
    cutEverywhere('16\n', parseOneNumber)
    for (const bad of ['', 'x\n', '1.5\n', '-1\n', '99999999999999999999\n'])
      expect(parseOneNumber(bad).isKnown).toBe(false)
  })
})

describe('processes', () => {
  it('reads a stat line whose command holds brackets and spaces', () => {
    const parsed = parseProcessStat(stat)
    expect(parsed).toEqual({
      isKnown: true,
      value: {
        pid: 1234,
        command: 'my) prog (x',
        state: 'S',
        parent: 1,
        group: 1234,
        session: 1234,
        cpuTicks: 22,
        startTicks: 174448,
      },
    })
    cutEverywhere(stat, parseProcessStat)
    expect(parseProcessStat('1 (a\nb) R 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n').isKnown).toBe(true)
    expect(parseProcessStat('').isKnown).toBe(false)
  })

  it('reads status; a zombie has no memory figures', () => {
    const status = 'Name:\tx\nVmHWM:\t   200 kB\nVmRSS:\t   100 kB\nThreads:\t7\n'
    expect(parseProcessStatus(status).residentBytes).toEqual({ isKnown: true, value: 102400 })
    expect(parseProcessStatus(status).threads).toEqual({ isKnown: true, value: 7 })
    expect(parseProcessStatus('Name:\tx\nState:\tZ\n').residentBytes.isKnown).toBe(false)
    cutEverywhere(status, (cut) => parseProcessStatus(cut).threads)
  })
})

describe('mounts', () => {
  const table =
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n' +
    '30 22 0:25 / /dev/shm rw - tmpfs tmpfs rw\n' +
    '31 22 0:40 / /mnt/my\\040data ro,nosuid shared:9 master:2 - nfs4 srv:/a\\040b rw\n' +
    '32 22 0:41 / /mnt/line\\012break rw - fuse.x none rw\n'

  it('finds the mount of a path', () => {
    const mounts = parseMountinfo(table)
    expect(mounts.length).toBe(4)
    const at = (path: string) => {
      const found = mountOf(mounts, path)
      return found.isKnown ? found.value.point : null
    }
    expect(at('/mnt/my data/x')).toBe('/mnt/my data')
    expect(at('/mnt/my dataset')).toBe('/')
    expect(at('/dev/shm')).toBe('/dev/shm')
    expect(at('/mnt/line\nbreak')).toBe('/mnt/line\nbreak')
    expect(mounts[2]?.isReadOnly).toBe(true)
    expect(mountOf([], '/').isKnown).toBe(false)
    for (let end = 0; end < table.length; end++) parseMountinfo(table.slice(0, end))
  })
})

describe('tmux', () => {
  it.each([
    ['one', 'kx-1 1795316534\n', ['kx-1']],
    ['spaces', 'my session 1795316534\nb 1795316535\n', ['my session', 'b']],
    ['no server', 'no server running on /tmp/tmux-0/default\n', []],
    ['no socket', 'error connecting to /tmp/tmux-0/default (No such file or directory)\n', []],
    ['nothing', '', []],
    ['cut', 'kx-1 17953165', null],
    ['rubbish', 'kx-1: 1 windows (created Sun)\n', null],
  ] as const)('%s', (_, text, names) => {
    const parsed = parseTmuxSessions(text)
    expect(parsed.isKnown ? parsed.value.map((s) => s.name) : null).toEqual(names)
  })
})

it('no parser throws, whatever comes', () => {
  const piece = fc.constantFrom(
    'Filesystem',
    ' Inodes',
    ' 1-blocks',
    '\n',
    ' ',
    '-',
    '%',
    '/',
    '0',
    '17',
    ' - ',
    '(',
    ')',
    'cpu ',
    'VmRSS:',
    ' kB',
    'max',
    'version 2',
    'end',
    '\u0000',
    '\\040',
    '\\x20',
  )
  const parsers: readonly ((text: string) => unknown)[] = [
    parseDfBytes,
    parseDfInodes,
    parseCgroup,
    parseMemoryLimit,
    parseCpuMax,
    parseMeminfo,
    parseLoadavg,
    parseUptimeSeconds,
    parseCpuTicks,
    parseOneNumber,
    parseProcessStat,
    parseProcessStatus,
    parseMountinfo,
    parseTmuxSessions,
    parseVmstatOomKills,
  ]
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((p) => p.join('')),
      ),
      (text) => {
        for (const parse of parsers) parse(text)
      },
    ),
    { numRuns: fuzzRuns },
  )
})
