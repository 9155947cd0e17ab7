import type { RsyncUse } from '../host/rsync/rules.ts'
import { TransferMeter } from '../host/transfer/meter.ts'
import type { Host } from '../host/types.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { openForStructure } from './local-store.ts'
import type { Level, Manifest, ManifestFile } from './manifest.ts'
import { neutralPath, totalsOf, writeManifest } from './manifest.ts'
import { surveyBelow } from './nothing-newer.ts'
import type { PulledFile } from './pull.ts'
import { pullFiles } from './pull-files.ts'
import { checkSpace } from './room.ts'
import type { DeclaredArtifact, RosterFile } from './roster.ts'
import { expandRoster, missingOfUnits } from './roster.ts'
import { checkStructure } from './structure/check.ts'
import { writersUnder } from './writers.ts'

export interface VerifyRequest {
  readonly runId: string
  readonly host: Host
  readonly identity: HostIdentity
  /** Box folder of the run, on the host. */
  readonly boxFolder: string
  readonly declared: readonly DeclaredArtifact[]
  readonly units: readonly string[]
  /** Local folder that receives the files and `manifest.json`. */
  readonly artifactsFolder: string
  readonly nowMs: () => number
  readonly signal: AbortSignal
  readonly onProgress?: (text: string, done: number, total: number) => void
  readonly chunkBytes?: number
  readonly rsync?: RsyncUse
  /** Bytes are on the disk now, and will be read again; with the milliseconds that it took. */
  readonly onDurable?: (milliseconds: number) => void
}

/** SQLite's journal beside a database on the box means that the last transaction is not in the file yet. */
async function hotJournal(host: Host, path: string): Promise<string | null> {
  for (const ending of ['-wal', '-journal']) {
    const found = await host.stat(`${path}${ending}`)
    if (found !== null && found.bytes > 0) return `its ${ending} file is not empty: the database is still open`
  }
  return null
}

async function judge(request: VerifyRequest, file: RosterFile, pulled: PulledFile): Promise<ManifestFile> {
  const base = {
    path: file.path,
    kind: file.kind,
    bytes: pulled.bytes,
    sha256Remote: pulled.sha256Remote,
    sha256Local: pulled.sha256Local,
    mtimeMs: pulled.mtimeMs,
    inode: pulled.inode,
  }
  if (pulled.status !== 'copied' || pulled.localPath === null) {
    const level: Level = pulled.status === 'mismatch' ? 'V2' : 'V0'
    return { ...base, level, structure: null, problem: `${pulled.status}: ${pulled.reason ?? 'not copied'}` }
  }
  const hot = file.kind === 'sqlite' ? await hotJournal(request.host, `${request.boxFolder}/${file.path}`) : null
  const opened = await openForStructure(pulled.localPath)
  if (opened === null) return { ...base, level: 'V2', structure: null, problem: 'the copy is gone' }
  try {
    const report = await checkStructure(file.kind, opened, request.signal)
    const structure = { ...report, checks: [...report.checks] }
    if (report.level === 'broken')
      return { ...base, level: 'V3', structure, problem: `broken: ${report.reason ?? 'unknown'}` }
    return { ...base, level: report.level === 'whole' ? 'V4' : 'V3', structure, problem: hot }
  } finally {
    await opened.close()
  }
}

/**
 * The whole way from the plan's declared list to a manifest: roster, room, pull, hashes at both ends, structure
 * (handbook lifecycle 11). Writes `manifest.json` and returns it with the digest of its bytes.
 * Throws `NoSpace`, on abort, and what the host throws; a file that fails is in the manifest with its problem.
 */
export async function verifyArtifacts(
  request: VerifyRequest,
): Promise<{ readonly manifest: Manifest; readonly sha256: string; readonly pulled: readonly PulledFile[] }> {
  const { host, boxFolder, signal } = request
  const roster = await expandRoster(host, boxFolder, request.declared, signal)
  await checkSpace(request.artifactsFolder, roster.files)
  const writers = await writersUnder(host, boxFolder, signal)
  const busy = new Set(writers.kind === 'known' ? writers.paths : [])
  const files: ManifestFile[] = []
  const total = roster.files.length
  const bytes = roster.files.reduce((sum, file) => sum + file.bytes, 0)
  const meter = new TransferMeter(bytes, total, performance.now())
  const tell = (isTime: boolean) => {
    if (isTime) request.onProgress?.(meter.line(performance.now()), Math.min(meter.files, total - 1), total)
  }
  if (total > 0) request.onProgress?.(meter.line(performance.now()), 0, total)
  const pulled = await pullFiles(host, boxFolder, roster.files, request.artifactsFolder, {
    signal,
    onBytes: (more) => tell(meter.add(more, performance.now())),
    onFile: (_path, size) => tell(meter.file(size, performance.now())),
    ...(request.chunkBytes !== undefined && { chunkBytes: request.chunkBytes }),
    ...(request.rsync !== undefined && { rsync: request.rsync }),
    ...(request.onDurable !== undefined && { onDurable: request.onDurable }),
  })
  for (const [i, file] of roster.files.entries()) {
    const copy = pulled[i] as PulledFile
    const judged = await judge(request, file, copy)
    const isBusy = busy.has(`${boxFolder}/${file.path}`)
    files.push(isBusy ? { ...judged, level: 'V1', problem: 'a process has it open for writing' } : judged)
  }
  const { newestMs } = await surveyBelow(host, boxFolder, signal)
  const declared = roster.declared.map((entry) => ({ ...entry }))
  const manifest: Manifest = {
    schema: 'kx/manifest/v1',
    runId: request.runId,
    host: { ...request.identity },
    folder: neutralPath(boxFolder),
    createdAtMs: request.nowMs(),
    newestOnBoxMs: newestMs,
    declared,
    files,
    problems: roster.problems.map((problem) => ({ ...problem })),
    missing: [...missingOfUnits(roster, request.units)],
    totals: totalsOf(files, declared),
  }
  const sha256 = await writeManifest(request.artifactsFolder, manifest)
  request.onProgress?.('manifest written', roster.files.length, roster.files.length)
  return { manifest, sha256, pulled }
}
