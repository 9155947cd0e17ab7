import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { pathProblem } from './names.ts'
import { writeAtomic } from './write-atomic.ts'

export const pulledName = 'pulled.json'

const schema = z.strictObject({
  schema: z.literal('kx/pulled/v1'),
  runId: z.string(),
  files: z.array(
    z.strictObject({
      path: z.string(),
      bytes: z.number().int().min(0),
      /** Of both ends when it was pulled. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      pulledAtMs: z.number(),
      /** A process had it open for writing then. */
      wasOpen: z.boolean(),
    }),
  ),
})

export type PulledRecord = z.infer<typeof schema>['files'][number]

/** What earlier pulls of a run brought and proved. It is no manifest: it says nothing of what was not pulled. */
export async function readPulled(folder: string): Promise<ReadonlyMap<string, PulledRecord>> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(join(folder, pulledName), 'utf8')))
    if (!parsed.success) return new Map()
    return new Map(parsed.data.files.filter(({ path }) => pathProblem(path) === null).map((each) => [each.path, each]))
  } catch {
    return new Map()
  }
}

/** Adds files to the record; those of the same path are replaced. */
export async function notePulled(folder: string, runId: string, files: readonly PulledRecord[]): Promise<void> {
  const all = new Map(await readPulled(folder))
  for (const file of files) all.set(file.path, file)
  const sorted = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  await writeAtomic(join(folder, pulledName), `${JSON.stringify({ schema: 'kx/pulled/v1', runId, files: sorted })}\n`)
}
