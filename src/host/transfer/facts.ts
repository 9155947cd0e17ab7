import { prologue } from '../remote/answer.ts'
import { parseStatLine } from '../remote/entries.ts'
import type { FileStat, Host } from '../types.ts'
import { failed, lost } from './errors.ts'
import { hasherOf, hashSeconds } from './hasher.ts'

/** What one look tells of a file; `sha256` null where it was not asked for, or the file could not be read. */
export interface FileFacts extends FileStat {
  readonly sha256: string | null
}

// In turns of as many names as one command line takes: few processes, and no name goes through a shell.
const script = `${prologue}cd "$1" || exit 44
xargs -0 sh -c "$2" kx
kx_c=$?
[ "$kx_c" -eq 0 ] || [ "$kx_c" -eq 123 ] || exit 46
echo end`

const inner = (hashBody: string | null) => `stat -c '= %f %s %.9Y %i %n' "$@" 2>/dev/null
${hashBody === null ? '' : `kx_hash() { ${hashBody}; }\nkx_hash "$@" 2>/dev/null\n`}exit 0`

/**
 * Size, time, inode and, with `isHashed`, SHA-256 of many files of one folder, in one round trip. Only files that were
 * asked for are told of; what is not there is not in the answer. `paths` must have passed `pathProblem`: no line ends.
 *
 * @throws TransferError
 */
export async function factsOf(
  host: Host,
  folder: string,
  paths: readonly string[],
  options: { readonly isHashed: boolean; readonly bytes: number; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, FileFacts>> {
  if (paths.length === 0) return new Map()
  if (host.kind === 'local') return factsHere(host, folder, paths, options)
  const { isHashed, bytes, signal } = options
  const hasher = isHashed ? await hasherOf(host, signal) : null
  const ran = await host.exec(['sh', '-c', script, 'sh', folder, inner(hasher?.body ?? null)], {
    stdin: paths.map((path) => `./${path}\0`).join(''),
    maxBytes: 1024 + paths.reduce((sum, path) => sum + 2 * Buffer.byteLength(path) + 200, 0),
    timeoutSeconds: hashSeconds(isHashed ? bytes : 0) + paths.length / 50,
    signal,
  })
  signal.throwIfAborted()
  if (ran.ending.kind === 'unknown') throw lost(ran.ending.reason)
  const said = Buffer.from(ran.stdout).toString('utf8')
  const isWhole = ran.stdout.byteLength === ran.stdoutBytes && said.endsWith('end\n')
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0 || !isWhole)
    throw failed(
      `${host.name} did not tell of the files in ${folder}: ${Buffer.from(ran.stderr).toString('utf8').slice(0, 200)}`,
    )
  return parseFacts(said, new Set(paths))
}

/** Strict: a line of another form, or of a file that was not asked for, tells nothing. */
export function parseFacts(said: string, asked: ReadonlySet<string>): ReadonlyMap<string, FileFacts> {
  const stats = new Map<string, FileStat>()
  const hashes = new Map<string, string>()
  for (const line of said.split('\n')) {
    const stat = /^= ([0-9a-f]+ \d+ [-.\d]+ \d+) \.\/(.+)$/.exec(line)
    if (stat !== null) {
      const [, fields = '', path = ''] = stat
      const parsed = asked.has(path) ? parseStatLine(path, fields) : null
      if (parsed !== null) stats.set(path, parsed)
      continue
    }
    const hash = /^([0-9a-f]{64}) [ *]\.\/(.+)$/.exec(line)
    if (hash !== null && asked.has(hash[2] ?? '')) hashes.set(hash[2] as string, hash[1] as string)
  }
  return new Map([...stats].map(([path, stat]) => [path, { ...stat, sha256: hashes.get(path) ?? null }]))
}

async function factsHere(
  host: Host,
  folder: string,
  paths: readonly string[],
  { isHashed, signal }: { readonly isHashed: boolean; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, FileFacts>> {
  const found = new Map<string, FileFacts>()
  for (const path of paths) {
    signal.throwIfAborted()
    const stat = await host.stat(`${folder}/${path}`)
    if (stat === null) continue
    const sha256 = isHashed && stat.kind === 'file' ? await host.sha256(stat.path, signal).catch(() => null) : null
    signal.throwIfAborted()
    found.set(path, { ...stat, path, sha256 })
  }
  return found
}
