import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading } from '../../../src/host/probe/value.ts'
import {
  parseHolders,
  parsePidLimit,
  parseProcesses,
  parseProcessLimits,
  parseRealPath,
  parseToolkit,
  parseVersion,
} from '../../../src/host/probe/wide.ts'
import { fuzzRuns } from './fuzz-runs.ts'

const value = <T>(reading: Reading<T>): T | null => (reading.isKnown ? reading.value : null)

/** As `/proc/self/limits` prints it: columns of a fixed width. */
const limits = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max processes             63432                63432                processes 
Max open files            1024                 1048576              files     
Max locked memory         67108864             67108864             bytes     
`
const stat = '4242 (python3 -m x) S 1 4242 4242 0 -1 4194304 100 0 0 0 15 7 0 0 20 0 3 0 174448 1000 200 1 1 '
const held = `hidden 3\nholder 0 ${stat}\nholder 1 ${stat}\nend\n`
const pids = '0 pids.max 500\n0 pids.current 40\n1 pids.max max\n1 pids.current 90\nend\n'
const nvcc = `nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2024 NVIDIA Corporation
Cuda compilation tools, release 12.4, V12.4.131
Build cuda_12.4.r12.4/compiler.34097967_0
`

describe('limits of a process', () => {
  it('are read by name; unlimited is none', () => {
    const found = parseProcessLimits(limits)
    expect([value(found.openFiles), value(found.processes), value(found.lockedBytes)]).toEqual([1024, 63432, 67108864])
    expect(value(parseProcessLimits(limits.replace('1024   ', 'unlimited')).openFiles)).toBe('none')
    for (let end = 0; end < limits.length; end++) {
      const cut = parseProcessLimits(limits.slice(0, end))
      for (const key of ['openFiles', 'processes', 'lockedBytes'] as const)
        if (cut[key].isKnown) expect(cut[key]).toEqual(found[key])
    }
  })

  it('of the control group: the smallest on the way up, with the use in that group', () => {
    const of = (text: string) => {
      const { limit, current } = parsePidLimit(text)
      return [value(limit), value(current)]
    }
    expect(of(pids)).toEqual([500, 40])
    expect(of('0 pids.max max\n0 pids.current 7\n1 pids.max 99\n1 pids.current 90\nend\n')).toEqual([99, 90])
    expect(of('0 pids.max max\n0 pids.current 7\nend\n')).toEqual(['none', 7])
    expect(of('0 pids.max 9\nend\n')).toEqual([9, null])
    expect(of('end\n')).toEqual([null, null])
    for (let end = 0; end < pids.length; end++) expect(of(pids.slice(0, end))).toEqual([null, null])
  })
})

describe('places', () => {
  it.each([
    ['there /data/x\n', { state: 'there', path: '/data/x' }],
    ['missing /\n', { state: 'missing', path: '/' }],
    ['dangling /a b\nc\n', { state: 'dangling', path: '/a b\nc' }],
    ['there \n', null],
    ['there relative\n', null],
    ['there /data/x', null],
    ['', null],
  ])('%j', (text, expected) => expect(value(parseRealPath(text))).toEqual(expected))
})

describe('versions of CUDA', () => {
  it('of the compiler, and one line of the driver', () => {
    expect(value(parseToolkit(nvcc))).toBe('12.4')
    expect(value(parseToolkit('nvcc: command not found\n'))).toBeNull()
    expect(value(parseVersion('12.8\n'))).toBe('12.8')
    for (const bad of ['', '12.8', '12\n', 'N/A\n', '12.8\n12.9\n', '-1.2\n'])
      expect([bad, value(parseVersion(bad))]).toEqual([bad, null])
  })
})

describe('who holds the cards', () => {
  it('is read whole or not at all', () => {
    const found = value(parseHolders(held))
    expect(found?.hidden).toBe(3)
    expect(found?.found.map(({ card, stat: { pid, command } }) => [card, pid, command])).toEqual([
      [0, 4242, 'python3 -m x'],
      [1, 4242, 'python3 -m x'],
    ])
    expect(value(parseHolders('hidden 0\nend\n'))).toEqual({ found: [], hidden: 0 })
    for (let end = 0; end < held.length; end++) expect(value(parseHolders(held.slice(0, end)))).toBeNull()
    expect(value(parseHolders('hidden 0\nls: cannot\nend\n'))).toBeNull()
  })

  it('is set against every process that can be seen', () => {
    const of = (text: string) => {
      const found = value(parseProcesses(text))
      return found === null ? null : [[...found.pids], found.isFirstNamespace]
    }
    expect(of('pid:[4026531836]\n1 2 33 \nend\n')).toEqual([[1, 2, 33], true])
    expect(of('pid:[4026532231]\n1 \nend\n')).toEqual([[1], false])
    expect(of('unknown\n1 \nend\n')).toEqual([[1], null])
    for (const bad of ['pid:[4026531836]\n1 2 3', 'pid:[4026531836]\n\nend\n', '1 2 3\n', ''])
      expect([bad, of(bad)]).toEqual([bad, null])
  })
})

it('no parser throws, whatever comes', () => {
  const piece = fc.constantFrom(
    'hidden ',
    'holder 0 ',
    stat,
    'end\n',
    '\n',
    ' ',
    'pids.max ',
    'max',
    '0 ',
    'there ',
    '/',
  )
  const parsers = [
    parseHolders,
    parsePidLimit,
    parseProcesses,
    parseProcessLimits,
    parseRealPath,
    parseToolkit,
    parseVersion,
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
