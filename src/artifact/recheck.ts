import { join } from 'node:path'
import { sha256Plain } from './local-store.ts'
import type { Manifest } from './manifest.ts'
import { pathProblem } from './names.ts'

/**
 * Reads every pulled file again and compares it with the manifest. Returns the paths that are missing or differ: what
 * was safe when it was verified must still be safe when its source is destroyed.
 */
export async function damagedCopies(
  artifactsFolder: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const damaged: string[] = []
  for (const file of manifest.files) {
    if (file.sha256Local === null) continue
    const found = pathProblem(file.path) === null ? await sha256Plain(join(artifactsFolder, file.path), signal) : null
    if (found?.sha256 !== file.sha256Local) damaged.push(file.path)
  }
  return damaged
}
