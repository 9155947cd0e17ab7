import { describe, expect, it } from 'vitest'
import {
  chooseWay,
  fewestDeltaBytes,
  isServerCommand,
  mayBeDelta,
  oldestHere,
  oldestThere,
  readVersion,
} from '../../../../src/host/rsync/rules.ts'

const here = { kind: 'found', version: '3.5.0' } as const
const there = { kind: 'found', version: '3.1.2' } as const
const none = { kind: 'none', reason: 'it is not there' } as const
const older = (samePieces: number, pieces = 16) => ({ samePieces, pieces })

describe('rsync or the streams', () => {
  it.each([
    ['auto', here, there, older(16), 'rsync', /16 of 16 pieces.*rsync 3\.5\.0 here and 3\.1\.2 there/],
    ['auto', here, there, older(12), 'rsync', /12 of 16/],
    ['auto', here, there, older(11), 'stream', /only 11 of 16/],
    ['auto', here, there, older(0, 0), 'stream', /only 0 of 0/],
    ['auto', here, there, null, 'stream', /no older copy/],
    ['auto', none, there, older(16), 'stream', /rsync here: it is not there/],
    ['auto', here, none, older(16), 'stream', /rsync there: it is not there/],
    ['always', here, there, null, 'rsync', /always/],
    ['always', here, none, older(16), 'stream', /rsync there/],
    ['never', here, there, older(16), 'stream', /never/],
  ] as const)('%s %j %j %j: %s', (use, a, b, copy, by, why) => {
    const way = chooseWay(use, a, b, copy)
    expect(way.by).toBe(by)
    expect(way.why).toMatch(why)
  })

  it('looks further only where an older copy of a large file is here', () => {
    expect(mayBeDelta('auto', fewestDeltaBytes, fewestDeltaBytes)).toBe(true)
    expect(mayBeDelta('auto', fewestDeltaBytes - 1, fewestDeltaBytes)).toBe(false)
    expect(mayBeDelta('auto', fewestDeltaBytes, fewestDeltaBytes - 1)).toBe(false)
    expect(mayBeDelta('auto', fewestDeltaBytes, null)).toBe(false)
    expect(mayBeDelta('never', fewestDeltaBytes, fewestDeltaBytes)).toBe(false)
  })

  it.each([
    ['rsync  version 3.5.0  protocol version 32\nCopyright', 'found', '3.5.0'],
    ['rsync  version v3.4.1+ds1  protocol version 32', 'found', '3.4.1'],
    ['rsync  version 3.2.7  protocol version 31', 'none', '3.2.7 is older than 3.4'],
    ['rsync  version 2.6.9  protocol version 29', 'none', '2.6.9 is older than 3.4'],
    ['openrsync: protocol version 29\nrsync version 2.6.9 compatible', 'none', 'it is openrsync, another program'],
    ['', 'none', 'it is not there'],
    ['Welcome!\nrsync  version 3.5.0  protocol version 32', 'none', 'it is not there'],
  ])('reads %j', (said, kind, what) => {
    const found = readVersion(said, oldestHere)
    expect([found.kind, found.kind === 'found' ? found.version : found.reason]).toEqual([kind, what])
  })

  it('takes an older one at the other end, and none before 3.0', () => {
    expect(readVersion('rsync  version 3.0.9  protocol version 30', oldestThere).kind).toBe('found')
    expect(readVersion('rsync  version 2.6.9  protocol version 29', oldestThere).kind).toBe('none')
  })

  const server = ['kx', 'rsync', '--server', '--sender', '-spIRe.LsfxCIvu']
  it('lets the link run a sending rsync and nothing else', () => {
    expect(isServerCommand(server)).toBe(true)
    for (const other of [
      [],
      ['kx', 'sh', '-c', 'id'],
      server.slice(0, 4),
      [...server, '.'],
      ['-l', 'root', ...server],
      ['kx', '/tmp/rsync', ...server.slice(2)],
      ['kx', 'rsync', '--server', '--daemon', '-s.'],
      ['kx', 'rsync', '--server', '--sender', '--rsync-path=x'],
      ['kx', 'rsync', '--server', '--sender', '-s;id'],
      ['kx', 'rsync', '--server', '--sender', '-logDtprs'],
    ])
      expect(isServerCommand(other)).toBe(false)
  })
})
