import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isVerified } from '../../src/artifact/manifest.ts'
import { checkStructure } from '../../src/artifact/structure/check.ts'
import { verifyArtifacts } from '../../src/artifact/verify.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { build, type CheckedKind, checkedKinds, randomFrom } from './build.ts'
import { type Mutation, mutate, mutations } from './mutations.ts'

/** Copies a cell: one a place in every run, 60 for the published figure. */
const copies = process.env.KX_FULL ? 60 : 3

/**
 * Where the damage happens: on the way, on our disk after the fsync, or at the source between its hash and its
 * reading (size and time restored, as a careless tool would).
 */
const places = ['wire', 'disk', 'source'] as const

interface Damage {
  readonly place: (typeof places)[number]
  readonly mutation: Mutation
  readonly original: Uint8Array
  readonly mutated: Uint8Array
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-mutation-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The local host, with the damage of each path that is there or on the way. */
function damagingHost(box: string, damages: ReadonlyMap<string, Damage>): Host {
  const host = createLocalHost()
  const of = (path: string) => damages.get(path.slice(box.length + 1))
  return {
    ...host,
    read: async (path, offset, length) => {
      const damage = of(path)
      if (damage?.place !== 'wire') return host.read(path, offset, length)
      return damage.mutated.subarray(offset, offset + length)
    },
    sha256: async (path, signal) => {
      const damage = of(path)
      if (damage?.place !== 'source') return host.sha256(path, signal)
      writeFileSync(path, damage.original)
      const sum = await host.sha256(path, signal)
      const before = statSync(path)
      writeFileSync(path, damage.mutated)
      utimesSync(path, before.atime, before.mtime)
      return sum
    },
  }
}

async function verifyAll(kind: CheckedKind) {
  const box = join(folder, kind, 'box')
  const local = join(folder, kind, 'local')
  mkdirSync(join(box, 'units'), { recursive: true })
  const random = randomFrom(checkedKinds.indexOf(kind))
  const damages = new Map<string, Damage>()
  const original = build(kind, 20)
  const others = { swap: build(kind, 90), stale: build(kind, 19) }
  for (const mutation of mutations)
    for (let n = 0; n < copies; n += 1) {
      let place = places[n % places.length] as Damage['place']
      // Bytes added behind the end on the wire are never asked for: the copy would simply be right.
      if (place === 'wire' && mutation === 'grow') place = 'disk'
      const path = `units/${mutation}-${n}`
      damages.set(path, { place, mutation, original, mutated: mutate(original, mutation, random, others) })
      writeFileSync(join(box, path), original)
    }
  writeFileSync(join(box, 'units', 'untouched'), original)
  const host = damagingHost(box, damages)
  const { manifest } = await verifyArtifacts({
    runId: 'r1',
    host,
    identity: await host.identity(),
    boxFolder: box,
    declared: [{ glob: 'units/*', minimumCount: 1, minimumBytes: 0, kind }],
    units: [],
    artifactsFolder: local,
    nowMs: () => 1,
    signal: AbortSignal.timeout(1_000_000),
    // All bytes of these lie in their `.part`, and are about to be read again.
    onDurable: () => {
      for (const [path, damage] of damages) {
        const part = `${join(local, path)}.part`
        if (damage.place === 'disk' && existsSync(part)) writeFileSync(part, damage.mutated)
      }
    },
  })
  return { manifest, damages, local, original }
}

describe('a damaged copy is never called verified', () => {
  it.each(checkedKinds)(
    `%s: 8 mutations × ${copies}`,
    async (kind) => {
      const { manifest, damages, local, original } = await verifyAll(kind)
      expect(manifest.files).toHaveLength(damages.size + 1)
      const wrong = manifest.files.filter((file) => damages.has(file.path) && isVerified(file)).map((file) => file.path)
      expect(wrong).toEqual([])
      expect(manifest.totals).toMatchObject({ verified: 1, found: damages.size + 1 })
      const untouched = manifest.files.find((file) => file.path === 'units/untouched')
      expect(untouched).toMatchObject({ level: 'V4', problem: null })
      expect(readFileSync(join(local, 'units/untouched')).equals(original)).toBe(true)
      for (const file of manifest.files) if (damages.has(file.path)) expect(file.problem, file.path).toBeTruthy()
    },
    process.env.KX_FULL ? 900_000 : 60_000,
  )
})

/**
 * Damage that was there before the first hash: only the structure can tell. These cells must be caught every time;
 * the others are what a format cannot show (handbook ssh 9.4), which is why the hash is never optional.
 */
const always: Readonly<Record<CheckedKind, readonly Mutation[]>> = {
  json: ['cut', 'zero-page', 'zero-tail', 'grow'],
  jsonl: ['zero-page', 'zero-tail', 'grow'],
  csv: ['zero-page', 'zero-tail', 'grow'],
  safetensors: ['cut', 'grow', 'shrink'],
  npy: ['cut', 'grow', 'shrink'],
  npz: ['cut', 'zero-page', 'zero-tail', 'grow', 'shrink'],
  torch: ['cut', 'zero-page', 'zero-tail', 'grow', 'shrink'],
  gzip: ['cut', 'zero-page', 'zero-tail', 'grow', 'shrink'],
  tar: ['cut', 'grow'],
  parquet: ['cut', 'zero-tail', 'grow', 'shrink'],
  hdf5: ['cut', 'grow', 'shrink'],
  sqlite: ['cut', 'zero-tail', 'grow'],
  gguf: ['cut', 'grow', 'shrink'],
  onnx: ['cut', 'zero-tail', 'grow', 'shrink'],
}

describe('damage from before the hash', () => {
  it.each(checkedKinds)('%s: what its structure must show', async (kind) => {
    const random = randomFrom(77)
    const path = join(folder, 'artifact')
    const others = { swap: build(kind, 90), stale: build(kind, 19) }
    const missed: string[] = []
    const caught: Record<string, number> = {}
    for (const mutation of mutations)
      for (let n = 0; n < copies; n += 1) {
        const bytes = mutate(build(kind, 20), mutation, random, others)
        if (kind === 'sqlite') writeFileSync(path, bytes)
        const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length)
        const report = await checkStructure(kind, { path, bytes: bytes.length, read }, AbortSignal.timeout(60_000))
        if (report.level === 'broken') caught[mutation] = (caught[mutation] ?? 0) + 1
        else if (always[kind].includes(mutation)) missed.push(`${mutation} ${n}`)
      }
    expect(missed).toEqual([])
    if (process.env.KX_FULL) process.stdout.write(`${kind} caught of ${copies}: ${JSON.stringify(caught)}\n`)
  })
})
