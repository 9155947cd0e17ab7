import { readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Host } from '../host/types.ts'
import type { LoadedPlan } from '../run/act.ts'
import { knownSecrets } from '../secret/known.ts'
import type { SecretRegistry } from '../secret/registry.ts'
import { digestOf, planDigest, sha256Hex } from '../spec/digest.ts'
import { parsePlan } from '../spec/parse.ts'
import type { Plan } from '../spec/schema.ts'
import { expandUnits } from '../spec/units.ts'
import type { SourceProblem } from '../text/problem.ts'
import { type CodeList, CodeListError, listCode } from './code-list.ts'
import { type DataFact, dataDigest, dataFacts } from './data-files.ts'
import { openHashCache } from './hash-cache.ts'
import { planSecretProblems } from './plan-secrets.ts'

export interface LoadIo {
  /** Runs git in the project folder; null: the folders are walked instead. */
  readonly exec: Host['exec'] | null
  /** File that remembers hashes between starts, such as `$XDG_CACHE_HOME/kx/hashes.json`; null: none. */
  readonly cacheFile: string | null
  readonly signal?: AbortSignal
  /** Secret values that must not stand in the plan; default: all that this process knows. */
  readonly secrets?: Pick<SecretRegistry, 'namesIn'>
}

export type LoadResult =
  | {
      readonly ok: true
      readonly loaded: LoadedPlan
      /** Beside the contract, for the checks: what may not be sent, and what lies there as data. */
      readonly code: CodeList
      readonly data: readonly DataFact[]
    }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] }

/** A plan larger than this is refused unread (the reader's own limit is lower). */
const maximumPlanBytes = 1024 * 1024

/**
 * Reads and digests the plan as it lies on disk now. Never throws for what a file may hold: problems come back with file
 * and line. `planFile` may be relative to the project folder.
 */
export async function loadPlan(projectFolder: string, planFile: string, io: LoadIo): Promise<LoadResult> {
  const folder = resolve(projectFolder)
  const file = resolve(folder, planFile)
  const shown = relative(folder, file) || planFile
  const problem = (message: string, hint: string): LoadResult => ({
    ok: false,
    problems: [{ file: shown, line: 1, column: 1, key: '', message, hint }],
  })
  let source: Uint8Array
  try {
    const found = await stat(file)
    if (!found.isFile()) return problem('not a file', 'Name a plan file')
    if (found.size > maximumPlanBytes) return problem(`${found.size} bytes are too many for a plan`, 'Is this a plan?')
    source = await readFile(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return problem('no such file', 'Make one with `kx new`, or name another with --plan')
    return problem(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'Check its permissions')
  }
  const parsed = parsePlan(source, shown)
  if (!parsed.ok) return parsed
  const plan = parsed.plan
  const text = new TextDecoder().decode(source)
  const secrets = io.secrets ?? (await knownSecrets(plan.secrets))
  const leaks = planSecretProblems({ file: shown, text, plan, locate: parsed.locate }, secrets)
  if (leaks.length > 0) return { ok: false, problems: leaks }

  const cache = await openHashCache(io.cacheFile)
  try {
    const code = await listCode({
      projectFolder: folder,
      plan,
      planFile: file,
      cache,
      exec: io.exec,
      ...(io.signal ? { signal: io.signal } : {}),
    })
    const data = await dataFacts(folder, plan.data, cache)
    const digests = {
      plan: planDigest(plan),
      code: code.sha256,
      config: await configDigest(folder, plan),
      data: dataDigest(plan.data, data),
    }
    const units = expandUnits(plan)
    return {
      ok: true,
      loaded: { plan, units, file, text, projectFolder: folder, digests, code: code.files },
      code,
      data,
    }
  } catch (error) {
    if (error instanceof CodeListError) return problem(error.message, 'Narrow code.roots')
    throw error
  } finally {
    await cache.save()
  }
}

/** Digest over the plan's config files: path and hash of each, or that it is missing. */
async function configDigest(folder: string, plan: Plan): Promise<string> {
  const rows: [string, string][] = []
  for (const path of [...plan.configFiles].sort()) {
    const bytes = await readFile(join(folder, path)).catch(() => null)
    rows.push([path, bytes === null ? 'missing' : sha256Hex(bytes)])
  }
  return digestOf(rows)
}
