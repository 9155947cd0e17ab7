import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { digestOf } from '../spec/digest.ts'
import { artifactKinds } from '../spec/schema.ts'
import { hasWildcard } from './glob.ts'
import { writeAtomic } from './write-atomic.ts'

/** Rungs of the verification ladder (handbook ssh 9.3) that kx reaches by itself. */
export const levels = ['V0', 'V1', 'V2', 'V3', 'V4'] as const
export type Level = (typeof levels)[number]

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.number().int().min(0)

const structureSchema = z.strictObject({
  level: z.enum(['whole', 'broken', 'not-checkable']),
  checks: z.array(z.string()),
  reason: z.string().optional(),
  checksums: z.enum(['all', 'some', 'none']),
})

const fileSchema = z.strictObject({
  path: z.string(),
  kind: z.enum(artifactKinds),
  bytes: count,
  sha256Remote: sha256.nullable(),
  sha256Local: sha256.nullable(),
  level: z.enum(levels),
  structure: structureSchema.nullable(),
  mtimeMs: z.number(),
  inode: z.number(),
  problem: z.string().nullable(),
})

export const manifestSchema = z.strictObject({
  schema: z.literal('kx/manifest/v1'),
  runId: z.string(),
  host: z.strictObject({
    host: z.string(),
    hostname: z.string(),
    machineId: z.string().nullable(),
    bootId: z.string().nullable(),
    user: z.string(),
    hostKey: z.string().nullable().exactOptional(),
    instanceId: z.string().nullable().exactOptional(),
  }),
  /** Box folder, with a personal home written as `~`: manifests are shared. */
  folder: z.string(),
  createdAtMs: z.number(),
  /** Newest modification time of any file in the box folder when the manifest was made, by the box's own clock. */
  newestOnBoxMs: z.number().nullable(),
  declared: z.array(
    z.strictObject({
      glob: z.string(),
      kind: z.enum(artifactKinds),
      minimumCount: count,
      minimumBytes: count,
      found: count,
      bytes: count,
    }),
  ),
  files: z.array(fileSchema),
  problems: z.array(z.strictObject({ kind: z.string(), path: z.string(), text: z.string() })),
  /** Files that globs with a unit folder ask for by name and that are not there. */
  missing: z.array(z.string()),
  totals: z.strictObject({ expected: count, found: count, copied: count, whole: count, verified: count, bytes: count }),
})

export type Manifest = z.infer<typeof manifestSchema>
export type ManifestFile = Manifest['files'][number]

/** A personal home folder in a path becomes `~`, so that a shared manifest or report names nobody. */
export function neutralPath(path: string): string {
  return path.replace(/^(\/home\/[^/]+|\/Users\/[^/]+|\/root)(?=\/|$)/, '~')
}

/** Files found, and beside them those that the declared minimum counts still ask for. */
export function expectedCount(found: number, declared: Manifest['declared']): number {
  return declared.reduce((sum, entry) => sum + Math.max(0, entry.minimumCount - entry.found), found)
}

/** True when this file may be called verified: hashed at both ends and, where its kind can be judged, whole. */
export function isVerified(file: ManifestFile): boolean {
  if (file.problem !== null || file.sha256Local === null || file.sha256Local !== file.sha256Remote) return false
  return file.level === 'V4' || (file.level === 'V3' && file.kind === 'other')
}

export function totalsOf(files: readonly ManifestFile[], declared: Manifest['declared']): Manifest['totals'] {
  return {
    expected: expectedCount(files.length, declared),
    found: files.length,
    copied: files.filter((f) => f.level === 'V3' || f.level === 'V4').length,
    whole: files.filter((f) => f.level === 'V4').length,
    verified: files.filter(isVerified).length,
    bytes: files.reduce((sum, f) => sum + f.bytes, 0),
  }
}

/**
 * Units of which everything is there and verified: each file that a pattern asks for by name in a unit's folder, and nothing
 * of the unit that is broken. By what was found alone, so also for a unit that nobody asked this host for any more.
 */
export function wholeUnits({ files, declared }: Pick<Manifest, 'files' | 'declared'>): readonly string[] {
  const asked = declared.flatMap(({ glob }) => {
    const [top, unit, ...rest] = glob.split('/').filter((part) => part !== '' && part !== '.')
    return top === 'units' && unit === '*' && rest.length > 0 && !rest.some(hasWildcard) ? [rest.join('/')] : []
  })
  const good = new Set(files.filter(isVerified).map((file) => file.path))
  const units = new Map<string, boolean>()
  for (const { path } of files) {
    const [top, unit = '', name] = path.split('/')
    if (top === 'units' && name !== undefined) units.set(unit, (units.get(unit) ?? true) && good.has(path))
  }
  return [...units].flatMap(([unit, isGood]) =>
    isGood && asked.every((name) => good.has(`units/${unit}/${name}`)) ? [unit] : [],
  )
}

export const manifestName = 'manifest.json'

export function manifestDigest(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Digest of what was found and verified, without the moments at which it was: the same artifacts give the same one. */
export function contentDigest({ files, missing, problems }: Manifest): string {
  const rows = files.map(({ mtimeMs: _m, inode: _i, ...file }) => file)
  return digestOf({ files: rows.sort((a, b) => (a.path < b.path ? -1 : 1)), missing: [...missing].sort(), problems })
}

/** Writes `manifest.json` into the artifacts folder, whole or not at all; returns the digest of its bytes. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<string> {
  const text = `${JSON.stringify(manifest, null, 1)}\n`
  await writeAtomic(join(folder, manifestName), text)
  return manifestDigest(text)
}

/** The manifest as it lies on disk with its digest; null when it is missing, cut or of another shape. */
export async function readManifest(
  folder: string,
): Promise<{ readonly manifest: Manifest; readonly sha256: string } | null> {
  try {
    const bytes = await readFile(join(folder, manifestName))
    const parsed = manifestSchema.safeParse(JSON.parse(bytes.toString('utf8')))
    return parsed.success ? { manifest: parsed.data, sha256: manifestDigest(bytes) } : null
  } catch {
    return null
  }
}
