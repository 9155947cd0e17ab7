import { describe, expect, it } from 'vitest'
import type { Manifest, ManifestFile } from '../../../src/artifact/manifest.ts'
import { patternTallies } from '../../../src/teardown/rules.ts'

const file = (path: string, more: Partial<ManifestFile> = {}): ManifestFile => ({
  path,
  kind: 'json',
  bytes: 10,
  sha256Remote: 'a'.repeat(64),
  sha256Local: 'a'.repeat(64),
  level: 'V4',
  structure: { level: 'whole', checks: [], checksums: 'none' },
  mtimeMs: 0,
  inode: 1,
  problem: null,
  ...more,
})

const manifest = (more: Partial<Manifest>): Manifest => ({
  schema: 'kx/manifest/v1',
  runId: 'r',
  host: { host: 'local', hostname: 'vm', machineId: null, bootId: null, user: 'ada' },
  folder: '~/box',
  createdAtMs: 0,
  newestOnBoxMs: null,
  declared: [],
  files: [],
  problems: [],
  missing: [],
  totals: { expected: 0, found: 0, copied: 0, whole: 0, verified: 0, bytes: 0 },
  ...more,
})

const units = { glob: 'units/*/result.json', kind: 'json', minimumCount: 3, minimumBytes: 1 } as const

describe('tallies by pattern', () => {
  it('count what was declared, found, verified and is missing, each pattern for itself', () => {
    const tallies = patternTallies({
      overrides: {},
      manifest: manifest({
        declared: [
          { ...units, found: 2, bytes: 20 },
          { glob: 'metrics.json', kind: 'json', minimumCount: 1, minimumBytes: 1, found: 1, bytes: 10 },
        ],
        files: [
          file('units/a/result.json'),
          file('units/b/result.json', { level: 'V1', sha256Local: 'b'.repeat(64) }),
          file('metrics.json'),
        ],
        missing: ['units/c/result.json'],
      }),
    })
    expect(tallies).toMatchObject([
      { glob: units.glob, declared: 3, found: 2, verified: 1, missing: 1, bytes: 20 },
      { glob: 'metrics.json', declared: 1, found: 1, verified: 1, missing: 0, bytes: 10 },
    ])
  })

  it('name what a smaller minimum count would hide', () => {
    const [tally] = patternTallies({
      overrides: {},
      manifest: manifest({
        declared: [{ ...units, minimumCount: 1, found: 1, bytes: 10 }],
        files: [file('units/a/result.json')],
        missing: ['units/b/result.json', 'units/c/result.json'],
      }),
    })
    expect(tally).toMatchObject({ declared: 3, found: 1, missing: 2 })
  })
})
