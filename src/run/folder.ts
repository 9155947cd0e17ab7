import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diskError, RunError } from './errors.ts'
import { failpoint } from './failpoints.ts'
import {
  checkFolder,
  fileMode,
  fsyncFolder,
  isPidThere,
  makeFolder,
  refuseNetworkFileSystem,
  whyNotWritable,
  writeAll,
} from './files.ts'
import { type OpenRunOptions, openRun, type WritableRun } from './handle.ts'
import { encodeLine, noPrevious, sha256Hex } from './journal-line.ts'
import type { RunCreated } from './types.ts'

/** Where the runs of a project lie. */
export const runsFolder = (projectFolder: string): string => join(projectFolder, '.kx', 'runs')

export const runFolder = (projectFolder: string, runId: string): string => {
  if (!isRunId(runId)) throw new RunError('invalid', `"${runId}" is not a run id.`, 'List the runs with: kx runs')
  return join(runsFolder(projectFolder), runId)
}

/** Folders that every run has. */
const subfolders = ['cells', 'evidence', 'artifacts'] as const

const runIdPattern = /^\d{8}-\d{4}-[A-Za-z0-9][A-Za-z0-9._-]{0,45}-[0-9a-f]{4}$/

export function isRunId(value: string): boolean {
  return runIdPattern.test(value)
}

/** `20261122-0304-<name>-<4 hex>`: UTC minute, plan name (40 characters of it), random end. At most 60 characters. */
export function newRunId(planName: string, nowMs: number, random: string): string {
  const stamp = new Date(nowMs).toISOString()
  const day = stamp.slice(0, 10).replaceAll('-', '')
  const minute = stamp.slice(11, 16).replace(':', '')
  return `${day}-${minute}-${planName.slice(0, 40)}-${random}`
}

export interface CreateRunRequest extends OpenRunOptions {
  readonly projectFolder: string
  /** Name of the project, for people. */
  readonly project: string
  readonly planName: string
  /** The plan file as it is now, byte for byte. */
  readonly planText: string
  readonly by: string
}

/**
 * Makes `.kx/runs/<id>` with the plan's copy and a journal that begins with `run.created`, and opens it. It is built
 * under a temporary name and renamed when whole, so a crash leaves either a run or nothing that looks like one.
 */
export async function createRun(request: CreateRunRequest): Promise<WritableRun> {
  try {
    return await makeRun(request)
  } catch (error) {
    const { projectFolder } = request
    const kept = existsSync(runsFolder(projectFolder)) ? runsFolder(projectFolder) : projectFolder
    throw diskError('begin a run in', projectFolder, error, () => whyNotWritable(kept))
  }
}

async function makeRun(request: CreateRunRequest): Promise<WritableRun> {
  const runs = runsFolder(request.projectFolder)
  makeFolder(runs)
  checkFolder(runs)
  refuseNetworkFileSystem(runs)
  keepOutOfGit(join(request.projectFolder, '.kx'))
  sweepUnfinished(runs)
  const nowMs = request.clock.nowMs()
  const runId = freeId(runs, request.planName, nowMs)
  const temp = join(runs, `.new-${process.pid}-${runId}`)
  makeFolder(temp)
  failpoint('create.folder-made')
  for (const name of subfolders) makeFolder(join(temp, name))
  const plan = Buffer.from(request.planText)
  writeSynced(join(temp, 'plan.yaml'), plan)
  failpoint('create.plan-written')
  const created: RunCreated = {
    runId,
    project: request.project,
    projectFolder: request.projectFolder,
    planName: request.planName,
    planSha256: sha256Hex(plan),
    by: request.by,
  }
  const payload = request.scrub === undefined ? created : request.scrub(created)
  const first = {
    v: 1,
    sequence: 1,
    fence: 1,
    previous: noPrevious,
    atMs: nowMs,
    kind: 'run.created',
    payload,
  } as const
  writeSynced(join(temp, 'journal.jsonl'), encodeLine(first))
  failpoint('create.journal-written')
  fsyncFolder(temp)
  const folder = join(runs, runId)
  renameSync(temp, folder)
  failpoint('create.renamed')
  fsyncFolder(runs)
  const run = await openRun(folder, request)
  request.onAppended?.(first, run.state())
  failpoint('create.indexed')
  return run
}

/** Ids of the runs of a project, oldest first. No runs folder: none. An unreadable one throws. */
export function listRunIds(projectFolder: string): readonly string[] {
  try {
    return readdirSync(runsFolder(projectFolder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isRunId(entry.name))
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Marks a run as archived. Nothing is moved or deleted; a running meter keeps it on the home screen. */
export async function archiveRun(run: WritableRun, by: string): Promise<void> {
  await run.append('run.archived', { by }, (state) => {
    const open = state.meters.filter((meter) => meter.closedAtMs === null)
    if (open.length > 0) return `The meter of ${open.map((m) => m.what).join(', ')} is still running. Stop it first.`
    return state.isArchived ? 'This run is archived already.' : null
  })
}

/** Runs are no part of a project's history; without this file `git status` would never be clean. */
function keepOutOfGit(kxFolder: string): void {
  const path = join(kxFolder, '.gitignore')
  if (!existsSync(path)) writeFileSync(path, '*\n', { mode: fileMode })
}

/** Removes folders of runs whose creation was killed half-way. */
function sweepUnfinished(runs: string): void {
  for (const name of readdirSync(runs)) {
    const pid = /^\.new-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isPidThere(Number(pid))) rmSync(join(runs, name), { recursive: true, force: true })
  }
}

function freeId(runs: string, planName: string, nowMs: number): string {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const id = newRunId(planName, nowMs, randomBytes(2).toString('hex'))
    if (!isRunId(id))
      throw new RunError('invalid', `"${planName}" cannot be part of a run id.`, 'Use letters, digits, dot, hyphen.')
    if (!existsSync(join(runs, id))) return id
  }
  throw new RunError('io', `No free run id for ${planName} in ${runs}.`, 'Archive and move away old runs.')
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'wx', fileMode)
  try {
    writeAll(fd, bytes)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
