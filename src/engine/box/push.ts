import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pushMany } from '../../host/transfer/push-many.ts'
import { hasStreams } from '../../host/transfer/stream.ts'
import type { Host } from '../../host/types.ts'
import { EngineError } from '../errors.ts'
import type { CodeFile } from '../types.ts'
import { pushData } from './push-data.ts'
import { asEngine, factsIn, isOdd, type PushRequest, refuse, sendOptions, streamedBytes } from './push-parts.ts'

/** Files in flight at once: a write is an fsync, and many small ones overlap well. */
const parallel = 8

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
 * Copies the code list into `<folder>/code`, and the plan's data beside it at their own paths. A file that is already
 * there must be the same: code under a run is never edited. Returns the number of files that were written.
 */
export async function pushCode(host: Host, request: PushRequest): Promise<number> {
  const code = `${request.folder}/code`
  // Written last by a submit: without it nothing was started from here, and what an earlier push left may be replaced.
  const mayReplace = (await host.stat(`${request.folder}/plan.env`)) === null
  if (mayReplace) await dropOthers(host, request, code)
  const send = hasStreams(host) ? pushCodeByStream : pushCodeHere
  let written = await send(host, request, code, mayReplace)
  await verifyPushed(host, code, request.code)
  const pushed = new Set(request.code.map((file) => file.path))
  for (const data of request.plan.data) {
    const path = data.path
    if (path === undefined || pushed.has(path)) continue
    written += await pushData(host, request, code, path, data.sha256)
  }
  return written
}

/** Files of an earlier push that the list has no more: left there, the run would not be the one that was checked. */
async function dropOthers(host: Host, request: PushRequest, code: string): Promise<void> {
  if ((await host.stat(code)) === null) return
  const listed = await host.exec(['find', code, '!', '-type', 'd', '-print0'], {
    maxBytes: 64 * 1024 * 1024,
    timeoutSeconds: 120,
  })
  if (listed.ending.kind !== 'exited' || listed.ending.code !== 0 || listed.stdoutBytes > listed.stdout.byteLength)
    throw refuse(`What an earlier push left in ${code} could not be listed. Look at it, then push again.`)
  const wanted = new Set(request.code.map((file) => file.path))
  const data = request.plan.data.flatMap(({ path }) => (path === undefined ? [] : [path.replace(/\/+$/, '')]))
  const isWanted = (path: string) =>
    wanted.has(path) || data.some((each) => path === each || path.startsWith(`${each}/`) || path === `${each}.part`)
  const others = decoder
    .decode(listed.stdout)
    .split('\0')
    .filter((path) => path.startsWith(`${code}/`) && !isWanted(path.slice(code.length + 1)))
  if (others.length === 0) return
  const gone = await host.exec(['xargs', '-0', 'rm', '-f', '--'], { stdin: others.map((path) => `${path}\0`).join('') })
  if (gone.ending.kind !== 'exited' || gone.ending.code !== 0)
    throw refuse(`${others[0]} is of an earlier push and could not be removed. Remove it, then push again.`)
}

const differs = (path: string) =>
  refuse(
    `${path} differs from the copy that this run was started with. A run's code is never changed: begin a new run.`,
  )

async function readCode(projectFolder: string, file: CodeFile): Promise<Uint8Array> {
  const bytes = await readFile(join(projectFolder, file.path))
  if (sha256(bytes) === file.sha256) return bytes
  throw refuse(
    `${file.path} changed while it was being pushed. Save your edits, look at the plan again, and launch once more.`,
  )
}

const modeOf = (file: CodeFile) => ((file.mode & 0o100) === 0 ? 0o600 : 0o700)

async function pushCodeHere(host: Host, request: PushRequest, code: string, mayReplace: boolean): Promise<number> {
  let written = 0
  await inBatches(request.code, async (file) => {
    const target = `${code}/${file.path}`
    const there = await host.stat(target)
    if (there !== null) {
      if (there.kind === 'file' && (await host.sha256(target)) === file.sha256) return
      if (!mayReplace) throw differs(file.path)
    }
    await host.write(target, await readCode(request.projectFolder, file), modeOf(file))
    written++
  })
  return written
}

/** One look at what is there, one stream of what is missing. Names that a list cannot say go one by one. */
async function pushCodeByStream(host: Host, request: PushRequest, code: string, mayReplace: boolean): Promise<number> {
  const plain = request.code.filter((file) => !isOdd(file.path) && file.bytes <= streamedBytes)
  const odd = request.code.filter((file) => !plain.includes(file))
  const there = await factsIn(host, code, plain, request)
  const missing = plain.filter((file) => there.get(file.path)?.sha256 !== file.sha256)
  if (!mayReplace) for (const file of missing) if (there.has(file.path)) throw differs(file.path)
  const isTaken =
    missing.length === 0 ||
    (await asEngine(host, () =>
      pushMany(
        host,
        request.folder,
        'code',
        missing.map((file) => ({
          path: file.path,
          mode: modeOf(file),
          read: () => readCode(request.projectFolder, file),
        })),
        sendOptions(request),
      ),
    ))
  const rest = isTaken ? odd : [...odd, ...missing]
  return (isTaken ? missing.length : 0) + (await pushCodeHere(host, { ...request, code: rest }, code, mayReplace))
}

/** Hashes are read back from the host's disk in one call; names that `sha256sum -c` cannot say go one by one. */
async function verifyPushed(host: Host, code: string, files: readonly CodeFile[]): Promise<void> {
  const odd = files.filter((file) => isOdd(file.path))
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
