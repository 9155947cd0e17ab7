import { digestOf } from '../../src/spec/digest.ts'
import type { AnyContext } from './ask.ts'

/** Config files of the plan of the run, by the paths that it has them under. */
export function configFilesOf(context: AnyContext): readonly string[] {
  const files = context.run?.plan.configFiles
  return Array.isArray(files) ? files.filter((path): path is string => typeof path === 'string') : []
}

/** Digest over the config files as they lie on the host, made as the plan makes it of those here. */
export async function digestThere(
  context: AnyContext,
  folder: string,
): Promise<{ readonly digest: string; readonly files: number }> {
  const rows: [string, string][] = []
  for (const path of [...configFilesOf(context)].sort()) {
    const there = `${folder}/code/${path}`
    const stat = await context.host.stat(there)
    rows.push([path, stat === null ? 'missing' : await context.host.sha256(there, context.signal)])
  }
  return { digest: digestOf(rows), files: rows.length }
}
