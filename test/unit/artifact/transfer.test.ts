import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeFor } from '../../../src/artifact/local-store.ts'
import { isVerified, readManifest } from '../../../src/artifact/manifest.ts'
import { isQuiet, lookForNewer } from '../../../src/artifact/nothing-newer.ts'
import { pullFile } from '../../../src/artifact/pull.ts'
import { type DeclaredArtifact, expandRoster, missingOfUnits } from '../../../src/artifact/roster.ts'
import { verifyArtifacts } from '../../../src/artifact/verify.ts'
import { writersUnder } from '../../../src/artifact/writers.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import type { Host } from '../../../src/host/types.ts'

let base: string
let box: string
let local: string
let host: Host
const signal = AbortSignal.timeout(600_000)

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'kx-transfer-'))
  box = join(base, 'box')
  local = join(base, 'artifacts')
  host = createLocalHost()
  for (const unit of ['a', 'b', 'c']) put(`units/${unit}/result.json`, `{"unit":"${unit}"}`)
})
afterEach(async () => {
  await host.close()
  rmSync(base, { recursive: true, force: true })
})

function put(path: string, content: string | Uint8Array) {
  mkdirSync(join(box, path, '..'), { recursive: true })
  writeFileSync(join(box, path), content)
}
const declare = (glob: string, extra: Partial<DeclaredArtifact> = {}): DeclaredArtifact => ({
  glob,
  minimumCount: 1,
  minimumBytes: 1,
  kind: 'json',
  ...extra,
})
const roster = (...declared: DeclaredArtifact[]) => expandRoster(host, box, declared, signal)
const verify = async (declared: readonly DeclaredArtifact[], on: Host = host) =>
  verifyArtifacts({
    runId: 'run-1',
    host: on,
    identity: await on.identity(),
    boxFolder: box,
    declared,
    units: ['a', 'b', 'c'],
    artifactsFolder: local,
    nowMs: () => 1_700_000_000_000,
    signal,
    chunkBytes: 4096,
  })

describe('roster', () => {
  it('finds declared files only, once each', async () => {
    put('units/a/log', 'x')
    put('units/a/deep/er/x.json', '{}')
    const found = await roster(declare('units/*/result.json', { minimumCount: 3 }), declare('units/**/*.json'))
    expect(found.files.map((f) => f.path)).toEqual([
      'units/a/deep/er/x.json',
      'units/a/result.json',
      'units/b/result.json',
      'units/c/result.json',
    ])
    expect(found.problems).toEqual([])
    expect(found.declared.map((d) => d.found)).toEqual([3, 4])
  })
  it('takes choices as the plan and the runner do, so that no declared file stays behind', async () => {
    put('units/a/metrics.jsonl', '{}\n')
    put('units/a/weights.bin', 'x')
    const found = await roster(declare('units/*/{result.json,metrics.jsonl}', { minimumCount: 0 }))
    expect(found.files.map((f) => f.path)).toEqual([
      'units/a/metrics.jsonl',
      'units/a/result.json',
      'units/b/result.json',
      'units/c/result.json',
    ])
    expect(missingOfUnits(found, ['a'])).toEqual([])
  })
  it('says what is missing or too small', async () => {
    put('units/b/result.json', '')
    rmSync(join(box, 'units/c'), { recursive: true })
    const found = await roster(
      declare('units/*/result.json', { minimumCount: 3 }),
      declare('model.pt', { kind: 'torch' }),
    )
    expect(found.problems.map((p) => [p.kind, p.path])).toEqual([
      ['too-small', 'units/b/result.json'],
      ['missing', 'units/*/result.json'],
      ['missing', 'model.pt'],
    ])
    expect(missingOfUnits(found, ['a', 'b', 'c'])).toEqual(['units/c/result.json'])
  })
  it('does not follow symlinks and refuses unsafe names and twins', async () => {
    writeFileSync(join(base, 'secret'), '{}')
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere/result.json'), '{}')
    symlinkSync(join(base, 'secret'), join(box, 'link.json'))
    symlinkSync(join(base, 'elsewhere'), join(box, 'units/linked'))
    put('-x.json', '{}')
    put('a\nb.json', '{}')
    put('Twin.json', '{}')
    put('twin.json', '{}')
    const found = await roster(declare('*.json'), declare('units/*/result.json'))
    expect(found.files.map((f) => f.path)).not.toContain('link.json')
    expect(found.files.some((f) => f.path.includes('linked'))).toBe(false)
    const kinds = found.problems.map((p) => `${p.kind} ${JSON.stringify(p.path)}`).sort()
    expect(kinds).toEqual([
      'collision "twin.json"',
      'symlink "link.json"',
      'symlink "units/linked"',
      'unsafe-name "-x.json"',
      'unsafe-name "a\\nb.json"',
    ])
  })
  it('refuses names that a lying host makes up', async () => {
    const lying: Host = {
      ...host,
      list: async (path) =>
        path === box
          ? ['../../etc/passwd', `${box}/../x.json`, `${box}/a/b.json`, '/etc/x.json', `${box}/..`].map((p) => ({
              path: p,
              kind: 'file' as const,
              bytes: 5,
              mtimeMs: 1,
              inode: 1,
            }))
          : null,
    }
    const found = await expandRoster(lying, box, [declare('*')], signal)
    expect(found.files).toEqual([])
    expect(found.problems.filter((p) => p.kind === 'unsafe-name').map((p) => p.path)).toEqual([
      'a/b.json',
      '/etc/x.json',
    ])
  })
})

describe('pull', () => {
  const file = async (path: string) => (await roster(declare(path))).files[0] as never
  it('copies in ranges and proves both ends', async () => {
    const bytes = Buffer.alloc(100_001, 'kx')
    put('big.json', bytes)
    const pulled = await pullFile(host, box, await file('big.json'), local, { signal, chunkBytes: 777 })
    expect(pulled).toMatchObject({ status: 'copied', attempts: 1, resumedBytes: 0, bytes: 100_001 })
    expect(pulled.sha256Local).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(readFileSync(join(local, 'big.json')).equals(bytes)).toBe(true)
    expect(existsSync(join(local, 'big.json.part'))).toBe(false)
    expect(statSync(join(local, 'big.json')).mode & 0o777).toBe(0o600)
  })
  it('resumes what is really the beginning, and only that', async () => {
    const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251))
    put('big.json', bytes)
    mkdirSync(local)
    writeFileSync(join(local, 'big.json.part'), bytes.subarray(0, 30_000))
    let read = 0
    const counting: Host = {
      ...host,
      read: async (p, o, l) => {
        const piece = await host.read(p, o, l)
        read += piece?.length ?? 0
        return piece
      },
    }
    const first = await pullFile(counting, box, await file('big.json'), local, { signal })
    expect(first).toMatchObject({ status: 'copied', resumedBytes: 30_000 })
    expect(read).toBe(20_000)
    rmSync(join(local, 'big.json'))
    writeFileSync(join(local, 'big.json.part'), Buffer.alloc(30_000, 1))
    const second = await pullFile(counting, box, await file('big.json'), local, { signal })
    expect(second).toMatchObject({ status: 'copied', resumedBytes: 0 })
    const third = await pullFile(counting, box, await file('big.json'), local, { signal })
    expect(third).toMatchObject({ status: 'copied', wasThere: true })
  })
  it('calls a source that keeps changing unstable', async () => {
    put('x.json', 'a'.repeat(10_000))
    let n = 0
    const changing: Host = {
      ...host,
      sha256: async (p) => {
        const sum = await host.sha256(p)
        n += 1
        put('x.json', `${n}`.padEnd(10_000, 'b'))
        utimesSync(join(box, 'x.json'), n, n)
        return sum
      },
    }
    const pulled = await pullFile(changing, box, await file('x.json'), local, { signal })
    expect(pulled).toMatchObject({ status: 'unstable', attempts: 3 })
  })
  it('keeps the good copy of an earlier pull when the next one comes to nothing', async () => {
    put('x.json', 'good'.repeat(1000))
    expect(await pullFile(host, box, await file('x.json'), local, { signal })).toMatchObject({ status: 'copied' })
    const good = readFileSync(join(local, 'x.json'))
    put('x.json', 'torn'.repeat(1000))
    const lying: Host = { ...host, read: async (p, o, l) => (await host.read(p, o, l))?.map(() => 0x20) ?? null }
    expect(await pullFile(lying, box, await file('x.json'), local, { signal })).toMatchObject({ status: 'mismatch' })
    expect(readFileSync(join(local, 'x.json')).equals(good)).toBe(true)
    let n = 0
    const changing: Host = {
      ...host,
      read: async (p, o, l) => {
        const piece = await host.read(p, o, l)
        n += 1
        put('x.json', `${n}`.padEnd(4000, 'b'))
        utimesSync(join(box, 'x.json'), n, n)
        return piece
      },
    }
    expect(await pullFile(changing, box, await file('x.json'), local, { signal })).toMatchObject({ status: 'unstable' })
    expect(readFileSync(join(local, 'x.json')).equals(good)).toBe(true)
  })
  it('says gone, and fails on a read that never answers', async () => {
    put('x.json', 'abc')
    const known = await file('x.json')
    const stuck: Host = { ...host, read: () => new Promise(() => {}) }
    const late = await pullFile(stuck, box, known, local, { signal, requestSeconds: 0.02 })
    expect(late).toMatchObject({ status: 'failed', attempts: 3 })
    expect(late.reason).toContain('no answer')
    rmSync(join(box, 'x.json'))
    expect(await pullFile(host, box, known, local, { signal })).toMatchObject({ status: 'gone' })
  })
  it('does not write through a symlink that lies in its way', async () => {
    mkdirSync(local)
    mkdirSync(join(base, 'outside'))
    symlinkSync(join(base, 'outside'), join(local, 'units'))
    const pulled = await pullFile(host, box, await file('units/a/result.json'), local, { signal })
    expect(pulled.status).toBe('failed')
    expect(existsSync(join(base, 'outside/a'))).toBe(false)
    await expect(placeFor(local, '../x')).rejects.toThrow('not accepted')
  })
})

describe('verify and manifest', () => {
  it('writes a manifest that reads back with its digest', async () => {
    const { manifest, sha256 } = await verify([declare('units/*/result.json', { minimumCount: 3 })])
    expect(manifest.totals).toMatchObject({ expected: 3, found: 3, verified: 3, whole: 3 })
    expect(manifest.files.every(isVerified)).toBe(true)
    const back = await readManifest(local)
    expect(back?.sha256).toBe(sha256)
    expect(back?.manifest).toEqual(manifest)
    writeFileSync(join(local, 'manifest.json'), readFileSync(join(local, 'manifest.json')).subarray(0, 200))
    expect(await readManifest(local)).toBeNull()
  })
  it('reads back what it says of a machine behind SSH: host key and instance with the rest', async () => {
    const told = { ...(await host.identity()), hostKey: 'SHA256:abc', instanceId: 'i-1' }
    const { manifest } = await verify([declare('units/*/result.json', { minimumCount: 3 })], {
      ...host,
      identity: async () => told,
    })
    expect((await readManifest(local))?.manifest).toEqual(manifest)
    expect(manifest.host).toEqual(told)
  })
  it('names what is broken, missing and open', async () => {
    put('units/b/result.json', '{"unit":')
    rmSync(join(box, 'units/c'), { recursive: true })
    const open = openSync(join(box, 'units/a/result.json'), 'a')
    try {
      const { manifest } = await verify([declare('units/*/result.json', { minimumCount: 3 })])
      expect(manifest.totals).toMatchObject({ expected: 3, found: 2, verified: 0 })
      expect(manifest.missing).toEqual(['units/c/result.json'])
      expect(manifest.files.map((f) => [f.path, f.level])).toEqual([
        ['units/a/result.json', 'V1'],
        ['units/b/result.json', 'V3'],
      ])
      const writers = await writersUnder(host, box)
      expect(writers).toEqual({ kind: 'known', paths: [join(box, 'units/a/result.json')] })
    } finally {
      closeSync(open)
    }
  })
  it('refuses a database whose journal is not merged', async () => {
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(box, 'a.db'))
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    const declared = [declare('a.db', { kind: 'sqlite' })]
    const open = await verify(declared)
    expect(open.manifest.totals.verified).toBe(0)
    db.close()
    expect((await verify(declared)).manifest.totals.verified).toBe(1)
  })
  it('refuses when there is no room', async () => {
    const huge: Host = {
      ...host,
      list: async (path) => (await host.list(path))?.map((f) => ({ ...f, bytes: 2 ** 52 })) ?? null,
    }
    await expect(verify([declare('units/*/result.json')], huge)).rejects.toThrow('Not enough room')
    expect(existsSync(join(local, 'units'))).toBe(false)
  })
})

describe('nothing newer', () => {
  const declared = [declare('units/*/result.json')]
  const look = async () => {
    const back = await readManifest(local)
    if (back === null) throw new Error('no manifest')
    return lookForNewer(host, box, back.manifest, declared, signal)
  }
  it('is quiet when nothing moved, and ignores the heartbeat', async () => {
    put('heartbeat', '1')
    await verify(declared)
    put('heartbeat', '2')
    const report = await look()
    expect(report).toMatchObject({ changed: [], newer: [], incomplete: null })
    expect(isQuiet(report)).toBe(true)
  })
  it('takes nothing amiss that the guard of the lease writes when it acts or leaves after the verification', async () => {
    put('events.jsonl', '{"event":"run.ended"}\n')
    await verify(declared)
    const later = Date.now() / 1000 + 100
    for (const [path, text] of [
      ['events.jsonl', '{"event":"run.ended"}\n{"event":"guard.dismissed"}\n'],
      ['guard/events.jsonl', '{"event":"guard.dismissed"}\n'],
    ] as const) {
      put(path, text)
      utimesSync(join(box, path), later, later)
    }
    expect(await look()).toMatchObject({ changed: [], newer: [] })
    // Only beside the runner: a file of that name in a unit is the unit's own.
    put('units/a/events.jsonl', '{}')
    utimesSync(join(box, 'units/a/events.jsonl'), later, later)
    expect((await look()).newer).toEqual(['units/a/events.jsonl'])
  })
  it('sees a declared file change, appear and go, and another file written', async () => {
    await verify(declared)
    const later = Date.now() / 1000 + 100
    put('units/a/result.json', '{"unit":"A"}')
    utimesSync(join(box, 'units/a/result.json'), later, later)
    put('units/d/result.json', '{}')
    rmSync(join(box, 'units/c/result.json'))
    put('units/b/log', 'still going')
    utimesSync(join(box, 'units/b/log'), later, later)
    const report = await look()
    expect(report.changed.map((c) => c.path).sort()).toEqual([
      'units/a/result.json',
      'units/c/result.json',
      'units/d/result.json',
    ])
    expect(report.newer).toContain('units/b/log')
    expect(isQuiet(report)).toBe(false)
  })
  it('is not quiet when the folder is gone', async () => {
    await verify(declared)
    rmSync(box, { recursive: true })
    expect(isQuiet(await look())).toBe(false)
  })
})
