import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseKnownHosts } from '../../../../src/host/ssh/known-hosts-file.ts'
import { readKeyBlob } from '../../../../src/host/ssh/known-hosts-key.ts'
import { hostVerifier, verdictOnBlob } from '../../../../src/host/ssh/known-hosts-verifier.ts'
import { judgeMachine, judgePin, type Pins, type PinTarget, type Sighting } from '../../../../src/host/ssh/pins.ts'
import { openPins } from '../../../../src/host/ssh/pins-file.ts'
import { ecdsaKey, ed25519Key, type MadeKey } from './keys.ts'

const print = (key: MadeKey) => readKeyBlob(Buffer.from(key.base64, 'base64'))?.fingerprint ?? ''
const pinKey = (key: MadeKey) => ({ type: key.type, fingerprint: print(key) })
const a = ed25519Key()
const b = ed25519Key()
const ec = ecdsaKey()

const clock = Date.UTC(2026, 0, 1)
const sighting = (key: MadeKey, over: Partial<Sighting> = {}): Sighting => ({
  atMs: clock,
  alias: 'box',
  host: '10.0.0.1',
  port: 22,
  keyType: key.type,
  fingerprint: print(key),
  machineId: null,
  instanceId: null,
  learnt: 'person',
  ...over,
})
const pinsOf = (...sightings: readonly Sighting[]): Pins => ({ sightings, suspects: [] })
const box: PinTarget = { alias: 'box', host: '10.0.0.1', port: 22 }
const kind = (pins: Pins, target: PinTarget, key: MadeKey) => judgePin(pins, target, pinKey(key)).kind

describe('whose key it is', () => {
  it('knows a machine at its place, and at a new one', () => {
    const pins = pinsOf(sighting(a))
    expect(kind(pinsOf(), box, a)).toBe('first')
    expect(kind(pins, box, a)).toBe('same')
    const moved = judgePin(pins, { ...box, host: '10.0.0.9', port: 2222 }, pinKey(a))
    expect(moved.kind).toBe('moved')
    expect(moved.words).toContain('from 10.0.0.1 to 10.0.0.9:2222')
  })

  it('says which machine answers when it is another', () => {
    const pins = pinsOf(sighting(a), sighting(b, { alias: 'gpu', host: '10.0.0.2', instanceId: 'i-2' }))
    const other = judgePin(pins, box, pinKey(b))
    expect(other.kind).toBe('other')
    expect(other.words).toContain('gpu (i-2), last seen at 10.0.0.2 on 2026-01-01')
    expect(other.words).toContain(print(a))
    const never = judgePin(pinsOf(sighting(a)), box, pinKey(b))
    expect(never).toMatchObject({ kind: 'other', seen: null })
    expect(never.words).toContain('never seen')
  })

  it('tells a new alias what was at that address, or whose key it is', () => {
    const pins = pinsOf(sighting(a))
    expect(kind(pins, { ...box, alias: 'new' }, b)).toBe('readdressed')
    expect(judgePin(pins, { ...box, alias: 'new' }, pinKey(b)).words).toContain('box, last seen at 10.0.0.1')
    expect(kind(pins, { ...box, alias: 'new' }, a)).toBe('renamed')
    expect(kind(pins, { alias: 'new', host: 'elsewhere', port: 22 }, a)).toBe('renamed')
  })

  it('takes a key of another type for neither known nor wrong', () => {
    expect(kind(pinsOf(sighting(a)), box, ec)).toBe('new-type')
    expect(kind(pinsOf(sighting(a), sighting(ec, { alias: 'gpu', host: 'x' })), box, ec)).toBe('other')
    expect(kind(pinsOf(sighting(a), sighting(ec)), box, a)).toBe('same')
  })

  it('takes the latest key of a type, so an old one that comes back is not the machine', () => {
    expect(kind(pinsOf(sighting(a), sighting(b)), box, b)).toBe('same')
    expect(kind(pinsOf(sighting(a), sighting(b)), box, a)).toBe('other')
  })

  it('lets an instance id outweigh alias and address', () => {
    const pins = pinsOf(sighting(a, { instanceId: 'i-1' }))
    expect(kind(pins, { ...box, instanceId: 'i-1' }, a)).toBe('same')
    expect(kind(pins, { alias: 'renamed', host: '10.0.0.9', port: 22, instanceId: 'i-1' }, a)).toBe('moved')
    expect(kind(pins, { alias: 'renamed', host: '10.0.0.9', port: 22, instanceId: 'i-1' }, b)).toBe('other')
    // The address was given to another instance: its key is new and nothing is wrong.
    expect(kind(pins, { ...box, instanceId: 'i-2' }, b)).toBe('first')
    expect(kind(pins, { ...box, instanceId: 'i-2' }, a)).toBe('other')
  })

  it('takes a key of several machines as a proof of nothing', () => {
    const cloned = pinsOf(sighting(a, { machineId: 'm1' }), sighting(a, { alias: 'gpu', host: 'x', machineId: 'm2' }))
    expect(kind(cloned, box, a)).toBe('shared')
    expect(kind(pinsOf(sighting(a, { instanceId: 'i-1' }), sighting(a, { instanceId: 'i-2' })), box, a)).toBe('shared')
    // A container that makes its machine id anew is still one machine.
    expect(kind(pinsOf(sighting(a, { machineId: 'm1' }), sighting(a, { machineId: 'm2' })), box, a)).toBe('same')
  })

  it('lets what the machine says of itself break trust and never make it', () => {
    const pins = pinsOf(sighting(a, { machineId: 'm1', instanceId: 'i-1' }))
    const told = (machineId: string | null, instanceId: string | null) =>
      judgeMachine(pins, box, pinKey(a), { machineId, instanceId })
    expect(told('m1', 'i-1').isSame).toBe(true)
    expect(told('m2', null)).toMatchObject({ isSame: false })
    expect(told('m2', null).words).toContain('machine id is m2')
    expect(told('m1', 'i-2').isSame).toBe(false)
    expect(told(null, null).isSame).toBe('unknown')
    expect(judgeMachine(pinsOf(), box, pinKey(a), { machineId: 'm1', instanceId: null }).isSame).toBe('unknown')
  })
})

describe('the verdict on a host', () => {
  const files = (...lines: readonly string[]) => [
    parseKnownHosts(Buffer.from(lines.map((l) => `${l}\n`).join('')), 'kh'),
  ]
  const line = (key: MadeKey, name = '10.0.0.1') => `${name} ${key.type} ${key.base64}`
  const at = (lines: readonly string[], pins: Pins, key: MadeKey, target: PinTarget = box) =>
    hostVerifier({ ...target }, files(...lines), pins)(key.type, key.base64)

  it('accepts what is known, and says nothing then', () => {
    expect(at([line(a)], pinsOf(), a)).toMatchObject({ isAccepted: true, words: [] })
    expect(at([line(a)], pinsOf(sighting(a)), a)).toMatchObject({ isAccepted: true, words: [] })
  })

  it('asks a person about what nobody knows', () => {
    const verdict = at([], pinsOf(), a)
    expect(verdict).toMatchObject({ isAccepted: false, canBeConfirmed: true })
    expect(verdict.words.join(' ')).toContain(print(a))
  })

  it('follows the alias’s own machine to a new address', () => {
    const verdict = at([], pinsOf(sighting(a)), a, { ...box, host: '10.9.9.9' })
    expect(verdict).toMatchObject({ isAccepted: true, kind: 'match' })
    expect(verdict.words.join(' ')).toContain('has moved')
    expect(at([], pinsOf(sighting(a, { alias: 'gpu' })), a).isAccepted).toBe(false)
  })

  it('does not go on with another machine because its key is known too', () => {
    const verdict = at([line(b)], pinsOf(sighting(a)), b)
    expect(verdict).toMatchObject({ isAccepted: false, canBeConfirmed: false, kind: 'changed' })
    expect(verdict.advice).toContain('Another machine answers')
    expect(at([line(b)], pinsOf(sighting(a, { alias: 'old' })), b)).toMatchObject({ isAccepted: true, kind: 'match' })
  })

  it('lets no pin outweigh a revocation, a change or an authority', () => {
    const pins = pinsOf(sighting(a))
    for (const lines of [[`@revoked * ${a.type} ${a.base64}`], [line(b)], [`@cert-authority * ${b.type} ${b.base64}`]])
      expect(at(lines, pins, a), lines.join()).toMatchObject({ isAccepted: false, canBeConfirmed: false })
  })

  it('does not believe pins that were tampered with', () => {
    const pins = { sightings: [sighting(a)], suspects: ['Line 2 was changed'] }
    expect(at([], pins, a)).toMatchObject({ isAccepted: false, canBeConfirmed: true })
    expect(at([line(a)], pins, a).isAccepted).toBe(true)
  })

  it('refuses a key over the wire that is none', () => {
    const verifier = hostVerifier({ ...box }, files(line(a)), pinsOf())
    expect(verdictOnBlob(verifier, Buffer.from(a.base64, 'base64')).isAccepted).toBe(true)
    for (const blob of [Buffer.alloc(0), Buffer.alloc(64, 255), Buffer.from(a.base64, 'base64').subarray(1)])
      expect(verdictOnBlob(verifier, blob)).toMatchObject({ isAccepted: false, canBeConfirmed: false, pin: null })
  })
})

describe('the store of pins', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kx-pins-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('keeps sightings in a file of the user alone, and only news', () => {
    const pins = openPins(join(folder, 'kx'))
    expect(pins.read()).toEqual({ sightings: [], suspects: [] })
    const first = sighting(a, { machineId: 'm1' })
    pins.note(first)
    pins.note({ ...first, atMs: first.atMs + 5000 })
    expect(pins.read().sightings).toEqual([first])
    pins.note({ ...first, atMs: first.atMs + 90_000_000 })
    pins.note({ ...first, host: '10.0.0.2' })
    expect(pins.read().sightings).toHaveLength(3)
    expect(statSync(pins.path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'kx')).mode & 0o777).toBe(0o700)
  })

  it('forgets an alias by a line more, and not by one less', () => {
    const pins = openPins(folder)
    pins.note(sighting(a))
    pins.note(sighting(b, { alias: 'gpu' }))
    const before = readFileSync(pins.path, 'utf8')
    pins.forget({ alias: 'box', by: 'me', why: 'gone', atMs: clock })
    expect(readFileSync(pins.path, 'utf8').startsWith(before)).toBe(true)
    expect(pins.read().sightings.map((s) => s.alias)).toEqual(['gpu'])
    pins.note(sighting(b))
    expect(pins.read().sightings).toHaveLength(2)
  })

  it('says what it does not believe, and keeps the rest', () => {
    const pins = openPins(folder)
    pins.note(sighting(a))
    pins.note(sighting(b, { alias: 'gpu' }))
    appendFileSync(pins.path, '{"v":1,"che')
    pins.note(sighting(b, { alias: 'third' }))
    expect(pins.read().sightings.map((s) => s.alias)).toEqual(['box', 'gpu', 'third'])
    expect(pins.read().suspects).toEqual([expect.stringContaining('Line 3')])
    writeFileSync(pins.path, readFileSync(pins.path, 'utf8').replace(print(a), print(b)))
    expect(pins.read().suspects[0]).toContain('was changed')
    expect(pins.read().sightings.map((s) => s.alias)).toEqual(['gpu', 'third'])
  })

  it('believes no file that others could have written', () => {
    const pins = openPins(folder)
    pins.note(sighting(a))
    chmodSync(pins.path, 0o666)
    expect(pins.read().sightings).toEqual([])
    expect(pins.read().suspects).toHaveLength(1)
    rmSync(pins.path)
    writeFileSync(join(folder, 'else'), '')
    symlinkSync(join(folder, 'else'), pins.path)
    expect(() => pins.note(sighting(a))).toThrow(/hosts\.jsonl/)
    chmodSync(folder, 0o777)
    expect(() => pins.note(sighting(a))).toThrow(/chmod 700/)
  })

  it('takes nothing that is no sighting', () => {
    const pins = openPins(folder)
    expect(() => pins.note({ ...sighting(a), fingerprint: 'MD5:x' })).toThrow()
    expect(() => pins.note({ ...sighting(a), port: 0 })).toThrow()
    expect(pins.read().sightings).toEqual([])
  })
})
