import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { sha256Local } from '../../host/local-files.ts'
import { pushFile } from '../../host/transfer/push-file.ts'
import { pushMany } from '../../host/transfer/push-many.ts'
import { hasStreams } from '../../host/transfer/stream.ts'
import type { Host } from '../../host/types.ts'
import type { CodeFile } from '../types.ts'
import { asEngine, factsIn, isOdd, type PushRequest, refuse, sendOptions, streamedBytes } from './push-parts.ts'

/** On this machine, data files up to this size are copied; larger ones are linked to, and stay where they are. */
const copyBytes = 64 * 1024 * 1024

const decoder = new TextDecoder()

/** One data entry of the plan to its own path beside the code. Returns the number of files that were written. */
export async function pushData(
  host: Host,
  request: PushRequest,
  code: string,
  path: string,
  expected: string | undefined,
): Promise<number> {
  const source = join(request.projectFolder, path)
  const target = `${code}/${path}`
  const found = await stat(source).catch(() => null)
  if (found === null) throw refuse(`The data at ${path} is not there. Fetch it, or correct data in the plan.`)
  const mismatch = () =>
    refuse(`The data at ${path} does not have the SHA-256 that the plan names. Correct the file or the plan.`)
  // Before it lies there: wrong data in the folder of a run would stay there.
  const checked = async () => {
    const own = await sha256Local(source, request.signal)
    if (expected !== undefined && own !== expected) throw mismatch()
    return own
  }
  const there = await host.stat(target)
  if (there === null || (hasStreams(host) && found.isDirectory())) {
    if (!hasStreams(host)) {
      if (expected !== undefined && found.isFile()) await checked()
      if (found.isFile() && found.size <= copyBytes) await host.write(target, await readFile(source), 0o600)
      else {
        await linkTo(host, source, target, path)
        return 1
      }
    } else if (found.isDirectory()) return pushFolder(host, request, code, path)
    else {
      const own = await checked()
      const file = { source, bytes: found.size, sha256: own, target, mode: 0o600 }
      await asEngine(host, () => pushFile(host, file, sendOptions(request)))
    }
  }
  const now = await host.stat(target)
  if (expected !== undefined && now?.kind === 'file' && (await host.sha256(target)) !== expected) throw mismatch()
  return 1
}

/** On this machine data that are large, or a folder, stay where they are. */
async function linkTo(host: Host, source: string, target: string, path: string): Promise<void> {
  const folder = target.slice(0, target.lastIndexOf('/'))
  for (const argv of [
    ['mkdir', '-p', '--', folder],
    ['ln', '-s', '--', source, target],
  ]) {
    const made = await host.exec(argv)
    if (made.ending.kind !== 'exited' || made.ending.code !== 0)
      throw refuse(`The data at ${path} could not be linked: ${decoder.decode(made.stderr).trim().slice(0, 200)}`)
  }
}

/** A folder of data: what is missing or another one there, the small ones in one stream. Hashes are those of now. */
async function pushFolder(host: Host, request: PushRequest, code: string, path: string): Promise<number> {
  const files = await filesBelow(request.projectFolder, path, request.signal)
  const there = await factsIn(host, code, files, request)
  const missing = files.filter((file) => there.get(file.path)?.sha256 !== file.sha256)
  const small = missing.filter((file) => file.bytes <= streamedBytes)
  const local = (file: { readonly path: string }) => join(request.projectFolder, file.path)
  const isTaken =
    small.length === 0 ||
    (await asEngine(host, () =>
      pushMany(
        host,
        request.folder,
        'code',
        small.map((file) => ({ path: file.path, mode: 0o600, read: () => readFile(local(file)) })),
        sendOptions(request),
      ),
    ))
  for (const file of missing)
    if (!isTaken || file.bytes > streamedBytes)
      await asEngine(host, () =>
        pushFile(
          host,
          { source: local(file), bytes: file.bytes, sha256: file.sha256, target: `${code}/${file.path}`, mode: 0o600 },
          sendOptions(request),
        ),
      )
  const after = await factsIn(host, code, files, request)
  const bad = files.find((file) => after.get(file.path)?.sha256 !== file.sha256)
  if (bad !== undefined) throw refuse(`The pushed data ${bad.path} does not read back as it was sent.`)
  return missing.length
}

async function filesBelow(projectFolder: string, path: string, signal: AbortSignal | undefined): Promise<CodeFile[]> {
  const found: CodeFile[] = []
  for (const entry of await readdir(join(projectFolder, path), { recursive: true, withFileTypes: true })) {
    const name = relative(projectFolder, join(entry.parentPath, entry.name)).split(sep).join('/')
    if (entry.isDirectory()) continue
    const problem = entry.isFile() ? (isOdd(name) ? 'a line end or backslash in its name' : null) : 'not a regular file'
    if (problem !== null) throw refuse(`The data at ${name} cannot be pushed: ${problem}. Leave it out, or rename it.`)
    const { size } = await stat(join(projectFolder, name))
    found.push({ path: name, bytes: size, sha256: await sha256Local(join(projectFolder, name), signal), mode: 0o600 })
  }
  return found
}
