import { execFileSync, spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseProbe } from '../../../src/host/probe/probe.ts'
import { parsePs } from '../../../src/host/probe/ps.ts'
import { wideProbeScript } from '../../../src/host/probe/script.ts'
import { scriptInput } from '../../../src/host/script.ts'
import { fuzzRuns } from './fuzz-runs.ts'

/** As programs printed it, but for the last two: they are written by the manuals of FreeBSD and macOS. */
const fixtures: readonly (readonly [string, string, readonly (readonly unknown[])[]])[] = [
  [
    'procps 4.0.2',
    '  PID  PPID  PGID STAT COMMAND\n    1     0     0 SLl  process_api\n    4     2     0 I<   kworker/R-rcu_gp\n 2742     1  2721 S    a b)c\n 2750  2747  2721 Z    sleep\n',
    [
      [1, 0, 0, 'S', 'process_api'],
      [4, 2, 0, 'I', 'kworker/R-rcu_gp'],
      [2742, 1, 2721, 'S', 'a b)c'],
      [2750, 2747, 2721, 'Z', 'sleep'],
    ],
  ],
  [
    'busybox 1.35',
    'PID   PPID  PGID  STAT COMMAND\n    2     0     0 SW   kthreadd\n 2725     1  2721 S    sleep\n 2750  2747  2721 Z    sleep\n',
    [
      [2, 0, 0, 'S', 'kthreadd'],
      [2725, 1, 2721, 'S', 'sleep'],
      [2750, 2747, 2721, 'Z', 'sleep'],
    ],
  ],
  ['one column and the command', '  PID COMMAND\n 7 sh\n', [[7, null, null, null, 'sh']]],
  [
    'FreeBSD, by its manual',
    '  PID  PPID  PGID STAT COMMAND\n    0     0     0 DLs  kernel\n    1     0     1 ILs  init\n  912     1   912 Is   cron\n',
    [
      [0, 0, 0, 'D', 'kernel'],
      [1, 0, 1, 'I', 'init'],
      [912, 1, 912, 'I', 'cron'],
    ],
  ],
  [
    'macOS, by its manual',
    '  PID  PPID  PGID STAT COMM\n    1     0     1 Ss   /sbin/launchd\n  501     1   501 S+   /Applications/A B.app/x\n',
    [
      [1, 0, 1, 'S', '/sbin/launchd'],
      [501, 1, 501, 'S', '/Applications/A B.app/x'],
    ],
  ],
]

const plain = (text: string) => {
  const parsed = parsePs(text)
  if (!parsed.isKnown) return null
  return parsed.value.map((row) => [row.pid, row.parent, row.group, row.state, row.command])
}

describe('the list of ps', () => {
  it.each(fixtures)('of %s is read whole or not at all', (_name, text, rows) => {
    expect(plain(text)).toEqual(rows)
    const whole = text.split('\n').length
    for (let end = 0; end < text.length; end += 1) {
      const cut = plain(text.slice(0, end))
      // What is cut behind a row is a shorter list: the end mark of its section tells that from a whole one.
      if (cut !== null) expect(cut).toEqual(rows.slice(0, text.slice(0, end).split('\n').length - 2))
      if (cut !== null) expect(cut.length).toBeLessThan(whole - 1)
    }
  })

  it.each([
    '',
    '\n',
    'PID COMMAND\n',
    'ps: bad -o argument\n',
    'Error: /proc must be mounted\n',
    'COMMAND PID\nsh 7\n',
    'PID PID COMMAND\n7 7 sh\n',
    'PID TTY COMMAND\n7 ? sh\n',
    'PID COMMAND\n-7 sh\n',
    'PID COMMAND\n7\n',
    'PID STAT COMMAND\n7 ? sh\n',
    'PID COMMAND\n99999999999999999999 sh\n',
    'PID COMMAND\n7 sh',
    'PID COMMAND\n7 sh\n\n',
  ])('%j is unknown', (text) => expect(plain(text)).toBeNull())

  it('never throws, and never makes a process up', () => {
    const piece = fc.constantFrom(
      'PID',
      'PPID',
      'PGID',
      'STAT',
      'COMMAND',
      ' ',
      '  ',
      '\n',
      '1',
      '42',
      'S',
      'Z+',
      'sh',
      '-',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
          fc.array(piece, { maxLength: 40 }).map((parts) => `PID PPID PGID STAT COMMAND\n${parts.join('')}\n`),
        ),
        (text) => {
          const parsed = parsePs(text)
          if (!parsed.isKnown) return
          expect(parsed.value.length).toBe(text.split('\n').length - 2)
          for (const row of parsed.value)
            expect(Number.isSafeInteger(row.pid) && text.includes(String(row.pid))).toBe(true)
        },
      ),
      { numRuns: fuzzRuns },
    )
  })

  it('of the programs of this machine is read', () => {
    const asked = ['-o', 'pid,ppid,pgid,stat,comm']
    for (const [program = '', ...args] of [
      ['ps', '-A', ...asked],
      ['busybox', 'ps', ...asked],
    ]) {
      const ran = spawnSync(program, args, { encoding: 'utf8' })
      if (ran.error !== undefined && process.env.KX_REQUIRE_TOOLS !== '1') continue
      const rows = parsePs(ran.stdout)
      expect([program, rows.isKnown && rows.value.some((row) => row.pid === process.pid)]).toEqual([program, true])
    }
  })
})

describe('the list of processes for an audit', () => {
  const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
  if (!canMount && process.env.KX_REQUIRE_TOOLS === '1')
    throw new Error('these tests need root and mounts of their own')
  /** The wide look in a namespace of mounts of its own, after the given words. */
  const lookAfter = (before: string, as = '') => {
    const look = `${before}; exec ${as} sh -s -- nonce 10 - /`
    const text = execFileSync('unshare', ['-m', 'sh', '-c', look], {
      input: scriptInput(wideProbeScript),
      encoding: 'utf8',
    })
    return parseProbe(text, 'nonce', ['/']).wide.processes
  }

  it('says that it is not whole where processes of others are hidden', (context) => {
    if (!canMount) return context.skip('a mount of its own needs root')
    const all = lookAfter('true')
    expect(all.isKnown && all.value.isWhole).toBe(true)
    const hidden = lookAfter(
      'mount -t proc -o hidepid=2 proc /proc',
      'setpriv --reuid 65534 --regid 65534 --clear-groups',
    )
    if (!hidden.isKnown) throw new Error(hidden.reason)
    expect([hidden.value.isWhole, hidden.value.pids.has(process.pid)]).toEqual([false, false])
  })

  it('comes from ps where there is no /proc, and is unknown where that is none either', (context) => {
    if (!canMount) return context.skip('a mount of its own needs root')
    // A ps that needs no /proc, as on a BSD; the one of Linux has nothing else to read.
    const fake = `mount -t tmpfs tmpfs /proc; mkdir /proc/bin; printf '#!/bin/sh\\nprintf "PID COMMAND\\\\n    1 init\\\\n  912 cron\\\\n"\\n' >/proc/bin/ps; chmod +x /proc/bin/ps; PATH=/proc/bin:$PATH`
    const listed = lookAfter(fake)
    expect(listed).toEqual({ isKnown: true, value: { pids: new Set([1, 912]), isFirstNamespace: null, isWhole: true } })
    expect(lookAfter('mount -t tmpfs tmpfs /proc').isKnown).toBe(false)
  })
})
