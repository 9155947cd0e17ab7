import type { Host } from '../host/types.ts'

export type Writers =
  | { readonly kind: 'known'; readonly paths: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * One `ls` over every process's descriptors: the permission letters of a descriptor tell how it was opened. Processes
 * of other users are not seen; what they could write under a 0700 folder is nothing.
 */
const script = `
[ -d /proc/self/fd ] || exit 3
ls -l /proc/[0-9]*/fd 2>/dev/null | grep -F -- " -> $1/" | head -n 2000
exit 0
`

/** Files under a folder that some process has open for writing. Linux hosts; elsewhere unknown, with the reason. */
export async function writersUnder(host: Host, folder: string, signal?: AbortSignal): Promise<Writers> {
  const result = await host.script(script, [folder], { timeoutSeconds: 30, ...(signal && { signal }) })
  if (result.ending.kind !== 'exited') return { kind: 'unknown', reason: 'the look at open files did not end' }
  if (result.ending.code === 3) return { kind: 'unknown', reason: 'this host has no /proc to look at open files' }
  if (result.ending.code !== 0)
    return { kind: 'unknown', reason: `the look at open files ended with ${result.ending.code}` }
  const paths = new Set<string>()
  for (const line of Buffer.from(result.stdout).toString('utf8').split('\n')) {
    const arrow = line.indexOf(` -> ${folder}/`)
    if (arrow >= 0 && /^l.w/.test(line)) paths.add(line.slice(arrow + 4).replace(/ \(deleted\)$/, ''))
  }
  return { kind: 'known', paths: [...paths].sort() }
}
