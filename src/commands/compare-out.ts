import type { CompareModel } from '../compare/model.ts'
import type { TableColumn } from '../compare/table.ts'
import type { FoundRun } from '../reader/scan.ts'

/** A file that a comparison is written to. */
export interface Out {
  readonly file: string
  readonly format: 'md' | 'csv' | 'json' | 'html'
  /** A file that is there is left as it is, and the next free name taken. */
  readonly isNew: boolean
}

/** Where the comparison is written to, or why it cannot be; null: nowhere, it is printed. */
export function outOf({
  out,
  html,
}: {
  readonly out?: string | undefined
  readonly html?: string | undefined
}): Out | { readonly why: string } | null {
  if (html !== undefined) return { file: html, format: 'html', isNew: false }
  if (out === undefined) return null
  const format = (['md', 'csv', 'json', 'html'] as const).find((each) => out.toLowerCase().endsWith(`.${each}`))
  if (format === undefined) return { why: `--out ${out}: the name ends with .md, .csv, .json or .html` }
  return { file: out, format, isNew: true }
}

/**
 * Writes the comparison to a file for its owner alone, secrets masked. Returns its path.
 *
 * @param found the runs of the model, in its order
 * @param notes what must be said of the runs that are not among them
 */
export async function write(
  { file, format, isNew }: Out,
  model: CompareModel,
  columns: readonly TableColumn[],
  found: readonly FoundRun[],
  notes: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const [{ writeAtomic }, { pathOf, safe }, { knownSecrets }] = await Promise.all([
    import('../artifact/write-atomic.ts'),
    import('./notebook-at.ts'),
    import('./known-secrets.ts'),
  ])
  const secrets = await knownSecrets([])
  const masked = <T>(value: T): T => safe(value, secrets) as T
  const text = async (): Promise<string> => {
    switch (format) {
      case 'md': {
        const { compareMarkdown } = await import('../compare/markdown.ts')
        return [masked(compareMarkdown(model, columns)), ...notes.map((note) => `${note}\n`)].join('\n')
      }
      case 'csv':
        return `${masked((await import('../compare/csv.ts')).compareCsv(model, columns))}\n`
      case 'json':
        return `${JSON.stringify(masked((await import('../compare/json.ts')).compareJson(model)), null, 2)}\n`
      case 'html': {
        const [{ compareHtml, mostCurves }, { readPoints }] = await Promise.all([
          import('../compare/html.ts'),
          import('../compare/run.ts'),
        ])
        const points = []
        // Read once more: of all runs only the digest was kept, and no picture holds more lines than these.
        for (const run of found.slice(0, mostCurves)) points.push((await readPoints(run, signal)).columns)
        return compareHtml(model, points, 'step', masked, columns)
      }
    }
  }
  const path = isNew ? await freePath(pathOf(file)) : pathOf(file)
  await writeAtomic(path, await text())
  return path
}

/** The path, or the next one with a number that is not taken. */
async function freePath(path: string): Promise<string> {
  const [{ stat }, { parse, join }] = await Promise.all([import('node:fs/promises'), import('node:path')])
  const { dir, name, ext } = parse(path)
  for (let at = 1; ; at++) {
    const next = at === 1 ? path : join(dir, `${name}-${at}${ext}`)
    const isTaken = await stat(next).then(
      () => true,
      (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
    )
    if (!isTaken) return next
    if (at > 10_000) throw new Error(`${path} and ten thousand names like it are taken`)
  }
}
