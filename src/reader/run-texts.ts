import type { FoundRun } from './scan.ts'
import type { Folder } from './types.ts'

/** Of each text so much is read; a person looks at what differs, not at a day of output. */
export const mostTextBytes = 1024 * 1024
const mostTexts = 200
const mostDepth = 6

/** A text that a run left beside its figures: code, a patch, a list of packages, a log. */
export interface RunText {
  /** As the same file of another run is called. */
  readonly name: string
  /** Relative to the folder that was scanned. */
  readonly path: string
}

const worthReading = /\.(py|sh|patch|diff|log|txt|ya?ml|toml|cfg|ini|json)$|^(log|stdout|stderr|Makefile|Dockerfile)$/
/** Figures and records that the readers take apart; as texts they say little. */
const figures =
  /(^|\/)(wandb-summary\.json|metrics.*|result\.json|checkpoint\.json|trainer_state\.json|meta\.yaml|exit)$/

/** Where a run keeps its texts: folders to look through, and how deep. */
function placesOf({ format, path }: FoundRun): readonly { readonly folder: string; readonly depth: number }[] {
  const at = (name: string) => (path === '.' ? name : `${path}/${name}`)
  switch (format) {
    case 'wandb':
      return [{ folder: at('files'), depth: mostDepth }]
    case 'kx':
      return [
        { folder: path, depth: 0 },
        { folder: at('artifacts'), depth: 3 },
      ]
    case 'mlflow-files':
      return [{ folder: at('artifacts'), depth: mostDepth }]
    case 'mlflow-sqlite':
    case 'trackio':
      // Many runs in one file: what lies beside it belongs to none of them.
      return []
    case 'jsonl':
    case 'csv':
    case 'log':
      return [{ folder: path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.', depth: 1 }]
    default:
      return [{ folder: path, depth: 2 }]
  }
}

/** Texts of a run by their names; those of a folder that is too full are cut, the first by name are kept. */
export async function textsOfRun(run: FoundRun, signal?: AbortSignal): Promise<readonly RunText[]> {
  const { folder } = run
  if (folder === undefined) return []
  const found: RunText[] = []
  const visit = async (path: string, within: string, depth: number): Promise<void> => {
    signal?.throwIfAborted()
    const entries = [...((await folder.list(path)) ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name, kind } of entries) {
      if (found.length >= mostTexts) return
      const named = within === '' ? name : `${within}/${name}`
      const at = path === '.' ? name : `${path}/${name}`
      if (kind === 'file' && worthReading.test(name) && !figures.test(named)) found.push({ name: named, path: at })
      if (kind === 'folder' && depth > 0) await visit(at, named, depth - 1)
    }
  }
  for (const { folder: path, depth } of placesOf(run)) await visit(path, '', depth)
  return found
}

/** A text from its beginning; null: it is not there any more. */
export async function readRunText(
  folder: Folder,
  path: string,
): Promise<{ readonly text: string; readonly bytes: number; readonly isCut: boolean } | null> {
  const source = folder.open(path)
  try {
    const stat = await source.stat()
    if (stat === null) return null
    const bytes = await source.read(0, Math.min(stat.bytes, mostTextBytes))
    return { text: new TextDecoder().decode(bytes), bytes: stat.bytes, isCut: stat.bytes > mostTextBytes }
  } finally {
    await source.close()
  }
}
