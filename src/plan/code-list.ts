import { lstat, open, readdir } from 'node:fs/promises'
import { join, posix, relative, sep } from 'node:path'
import type { Host } from '../host/types.ts'
import type { LoadedPlan } from '../run/act.ts'
import { digestOf } from '../spec/digest.ts'
import { isUnderAny, matchesGlob } from '../spec/glob.ts'
import type { Plan } from '../spec/schema.ts'
import type { HashCache } from './hash-cache.ts'

export type CodeFile = LoadedPlan['code'][number]

/** A path that would have been sent but may not be, with the reason. */
export interface RefusedPath {
  readonly path: string
  readonly reason: string
}

export interface CodeList {
  /** Sorted by path (code units). */
  readonly files: readonly CodeFile[]
  readonly refused: readonly RefusedPath[]
  /** Whether git named the files (and `.gitignore` was honoured) or the folders were walked. */
  readonly source: 'git' | 'walk'
  /** SHA-256 over path, mode, bytes and hash of every file. */
  readonly sha256: string
}

export interface CodeListInput {
  readonly projectFolder: string
  readonly plan: Pick<Plan, 'code' | 'artifacts'>
  /** Absolute path of the plan file: it travels resolved, so its comments make no code stale. */
  readonly planFile: string
  readonly cache: HashCache
  /** Runs git; null where there is none to ask. */
  readonly exec: Host['exec'] | null
  readonly signal?: AbortSignal
}

/** More files than this are no code list: the roots are too wide. */
export const maximumCodeFiles = 50_000

const neverFolders = new Set([
  '.kx',
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '.venv',
  '__pycache__',
  '.ipynb_checkpoints',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
])
const neverFiles = /^(?:\.kxrc(?:\.example)?|\.DS_Store|README(?:\..*)?|.*\.checklist\.md)$/i

/** Where kx looks for recipes of the project: they are what a person does about a run, and no part of what is run. */
const recipeFile = /^recipes\/[^/]+\.(?:m?[jt]s|md)$/
/** A root that names the folder, or a file in it, says that a run needs it. */
const recipeRoot = /^(?:\.\/)?recipes(?:\/|$)/

/**
 * The list that a push would send: files under the plan's code roots, without kx's own folder, version control, caches,
 * outputs (the plan's artifact globs), checklists, READMEs, the project's recipes and the plan file. Symlinks and special files are refused: what
 * they point to is not part of the list, so the run would not be the one that was checked.
 */
export async function listCode(input: CodeListInput): Promise<CodeList> {
  const refused: RefusedPath[] = []
  const named = await namesFromGit(input)
  const names = named ?? (await namesFromWalk(input, refused))
  const planName = toPosix(relative(input.projectFolder, input.planFile))
  const wanted = names.filter((name) => name !== planName && isWanted(name, input.plan)).sort(byCodeUnit)
  if (wanted.length > maximumCodeFiles)
    throw new CodeListError(
      `${wanted.length} files would be sent, more than ${maximumCodeFiles}: name the folders that hold code in code.roots, or leave some out with code.exclude`,
    )

  const files: CodeFile[] = []
  for (const path of wanted) {
    input.signal?.throwIfAborted()
    const absolute = join(input.projectFolder, path)
    const stat = await lstat(absolute).catch(() => null)
    if (stat === null) continue // still in git's index, gone from the disk
    if (stat.isSymbolicLink())
      refused.push({ path, reason: 'a symbolic link: copy the file, or leave it out with code.exclude' })
    else if (stat.isDirectory()) refused.push({ path, reason: 'a nested repository: its files are not listed here' })
    else if (!stat.isFile()) refused.push({ path, reason: 'not a regular file' })
    else if (await isChecklist(absolute, stat.size)) continue
    else
      try {
        // Only "may be executed" travels: the other bits depend on the umask of whoever checked it out.
        const mode = (stat.mode & 0o111) === 0 ? 0o644 : 0o755
        files.push({ path, bytes: stat.size, sha256: await input.cache.sha256(absolute), mode })
      } catch (error) {
        refused.push({ path, reason: `cannot be read: ${error instanceof Error ? error.message : String(error)}` })
      }
  }
  return { files, refused, source: named === null ? 'walk' : 'git', sha256: codeDigest(files) }
}

/** Why no list could be made, in words. */
export class CodeListError extends Error {
  override readonly name = 'CodeListError'
}

/** SHA-256 over the sorted list of (path, mode, bytes, sha256). */
export function codeDigest(files: readonly CodeFile[]): string {
  const rows = files.map((f) => [f.path, f.mode, f.bytes, f.sha256])
  return digestOf(rows.sort((a, b) => byCodeUnit(String(a[0]), String(b[0]))))
}

function isWanted(path: string, plan: CodeListInput['plan']): boolean {
  const parts = path.split('/')
  if (parts.slice(0, -1).some((p) => neverFolders.has(p))) return false
  if (neverFiles.test(parts.at(-1) ?? '')) return false
  if (recipeFile.test(path) && !plan.code.roots.some((root) => recipeRoot.test(root))) return false
  if (!isUnderAny(path, plan.code.roots) || isUnderAny(path, plan.code.exclude)) return false
  return !plan.artifacts.some((a) => matchesGlob(path, a.glob))
}

async function namesFromGit(input: CodeListInput): Promise<string[] | null> {
  if (input.exec === null) return null
  const result = await input
    .exec(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: input.projectFolder,
      timeoutSeconds: 20,
      maxBytes: 32 * 1024 * 1024,
      ...(input.signal ? { signal: input.signal } : {}),
    })
    .catch(() => null)
  if (result === null || result.ending.kind !== 'exited' || result.ending.code !== 0) return null
  if (result.stdoutBytes > result.stdout.byteLength) return null
  const names = new TextDecoder().decode(result.stdout).split('\0')
  return [...new Set(names.filter((n) => n !== ''))]
}

async function namesFromWalk(input: CodeListInput, refused: RefusedPath[]): Promise<string[]> {
  const names: string[] = []
  const visit = async (folder: string): Promise<void> => {
    input.signal?.throwIfAborted()
    const entries = await readdir(join(input.projectFolder, folder), { withFileTypes: true }).catch((error) => {
      refused.push({ path: folder || '.', reason: `cannot be listed: ${String(error?.message ?? error)}` })
      return []
    })
    for (const entry of entries) {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!neverFolders.has(entry.name)) await visit(path)
      } else names.push(path)
      if (names.length > maximumCodeFiles * 4)
        throw new CodeListError(
          `more than ${maximumCodeFiles * 4} files lie under the project folder: is this the right one?`,
        )
    }
  }
  await visit('')
  return names
}

const taskItem = /^\s*(?:[-*+]|\d+[.)])\s+\[[ xX]\]\s/m

/** A Markdown file with task items is a checklist: ticking a box must make nothing stale. */
async function isChecklist(path: string, bytes: number): Promise<boolean> {
  if (!/\.(?:md|markdown)$/i.test(path) || bytes > 1024 * 1024) return false
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return false
  try {
    return taskItem.test(await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}

const toPosix = (path: string): string => path.split(sep).join('/')
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
