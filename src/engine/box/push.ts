import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Local } from '../../host/local-files.ts'
import type { Host } from '../../host/types.ts'
import type { Plan } from '../../spec/schema.ts'
import { EngineError } from '../errors.ts'
import type { CodeFile } from '../types.ts'

/** Files in flight at once: a write is an fsync, and many small ones overlap well. */
const parallel = 8
/** Data files up to this size are copied; on this machine larger ones are linked to, and stay where they are. */
const copyBytes = 64 * 1024 * 1024

const decoder = new TextDecoder()

/** Throws the first failure, once nothing is in flight any more: the caller may remove the folder then. */
async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    try {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item)
    } finally {
      // Nobody begins another one after a failure; after the end the list is empty anyway.
      queue.length = 0
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(parallel, items.length) }, worker))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/**
 * Copies the code list into `<folder>/code`, and the plan's data files beside it at their own paths. A file that is
 * already there must be the same: code under a run is never edited. Returns the number of files that were written.
 */
export async function pushCode(
  host: Host,
  request: {
    readonly projectFolder: string
    readonly code: readonly CodeFile[]
    readonly plan: Plan
    readonly folder: string
  },
): Promise<number> {
  const code = `${request.folder}/code`
  let written = 0
  await inBatches(request.code, async (file) => {
    const target = `${code}/${file.path}`
    const there = await host.stat(target)
    if (there !== null) {
      if (there.kind === 'file' && (await host.sha256(target)) === file.sha256) return
      throw new EngineError(
        `${file.path} differs from the copy that this run was started with. A run's code is never changed: begin a new run.`,
        'nothing-started',
      )
    }
    const bytes = await readFile(join(request.projectFolder, file.path))
    if (sha256(bytes) !== file.sha256)
      throw new EngineError(
        `${file.path} changed while it was being pushed. Save your edits, look at the plan again, and launch once more.`,
        'nothing-started',
      )
    await host.write(target, bytes, (file.mode & 0o100) === 0 ? 0o600 : 0o700)
    written++
  })
  await verifyPushed(host, code, request.code)
  const pushed = new Set(request.code.map((file) => file.path))
  for (const data of request.plan.data) {
    const path = data.path
    if (path === undefined || pushed.has(path)) continue
    written += await pushData(host, request.projectFolder, code, path, data.sha256)
  }
  return written
}

/** Hashes are read back from the host's disk in one call; names that `sha256sum -c` cannot say go one by one. */
async function verifyPushed(host: Host, code: string, files: readonly CodeFile[]): Promise<void> {
  const odd = files.filter((file) => /[\n\r\\]/.test(file.path))
  const plain = files.filter((file) => !odd.includes(file))
  if (plain.length > 0) {
    const list = plain.map((file) => `${file.sha256}  ./${file.path}\n`).join('')
    const checked = await host.exec(['sha256sum', '-c', '-'], { cwd: code, stdin: list, timeoutSeconds: 600 })
    if (checked.ending.kind !== 'exited' || checked.ending.code !== 0) {
      const bad = decoder
        .decode(checked.stdout)
        .split('\n')
        .filter((line) => line !== '' && !line.endsWith(': OK'))
      throw new EngineError(
        `The pushed code does not read back as it was sent (${bad[0] ?? decoder.decode(checked.stderr).trim().slice(0, 200)}). Look at the disk of ${host.name}, then launch again.`,
        'nothing-started',
      )
    }
  }
  for (const file of odd)
    if ((await host.sha256(`${code}/${file.path}`)) !== file.sha256)
      throw new EngineError(`The pushed file ${file.path} does not read back as it was sent.`, 'nothing-started')
}

async function pushData(
  host: Host,
  projectFolder: string,
  code: string,
  path: string,
  expected: string | undefined,
): Promise<number> {
  const source = join(projectFolder, path)
  const target = `${code}/${path}`
  const found = await stat(source).catch(() => null)
  if (found === null)
    throw new EngineError(`The data at ${path} is not there. Fetch it, or correct data in the plan.`, 'nothing-started')
  const mismatch = () =>
    new EngineError(
      `The data at ${path} does not have the SHA-256 that the plan names. Correct the file or the plan.`,
      'nothing-started',
    )
  if ((await host.stat(target)) === null) {
    // Before it lies there: wrong data in the folder of a run would stay there.
    if (expected !== undefined && found.isFile() && (await sha256Local(source)) !== expected) throw mismatch()
    if (found.isFile() && found.size <= copyBytes) {
      await host.write(target, await readFile(source), 0o600)
    } else if (host.kind === 'local') {
      const folder = target.slice(0, target.lastIndexOf('/'))
      for (const argv of [
        ['mkdir', '-p', '--', folder],
        ['ln', '-s', '--', source, target],
      ]) {
        const made = await host.exec(argv)
        if (made.ending.kind !== 'exited' || made.ending.code !== 0)
          throw new EngineError(
            `The data at ${path} could not be linked: ${decoder.decode(made.stderr).trim().slice(0, 200)}`,
            'nothing-started',
          )
      }
      return 1
    } else
      throw new EngineError(`The data at ${path} is too large to push: name a uri for it instead.`, 'nothing-started')
  }
  const there = await host.stat(target)
  if (expected !== undefined && there?.kind === 'file' && (await host.sha256(target)) !== expected) throw mismatch()
  return 1
}
