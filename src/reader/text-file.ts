import { Replaced } from './growing.ts'
import type { Folder, Format, ReadReport } from './types.ts'

/** A settings or summary file is small; of a larger one only so much is read, and that is said. */
const mostBytes = 16 * 1024 * 1024

export interface TextFile {
  readonly text: string
  /** What to say of it: `problem` follows the name of the file. */
  report(problem: string | null): ReadReport
}

/** Times that a file may be replaced while it is read; a writer that does nothing else is looked at later. */
const mostTries = 3

/**
 * A small text file, whole. Null: there is none.
 *
 * @throws Replaced when it is replaced all the time
 */
export async function readText(folder: Folder, path: string, format: Format): Promise<TextFile | null> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(folder, path, format)
    } catch (error) {
      // Nothing was told of it yet: the new file is as good.
      if (!(error instanceof Replaced) || tries >= mostTries) throw error
    }
  }
}

async function readOnce(folder: Folder, path: string, format: Format): Promise<TextFile | null> {
  const source = folder.open(path)
  try {
    const stat = await source.stat()
    if (stat === null) return null
    const bytes = await source.read(0, Math.min(stat.bytes, mostBytes))
    const isCut = stat.bytes > mostBytes
    return {
      text: new TextDecoder('utf-8', { fatal: false }).decode(bytes),
      report: (problem) => ({
        format,
        path: source.path,
        bytes: stat.bytes,
        mtimeMs: stat.mtimeMs,
        records: problem === null ? 1 : 0,
        skippedBytes: isCut ? stat.bytes - mostBytes : 0,
        crcErrors: 0,
        isTruncated: false,
        notes: [
          ...(problem === null ? [] : [`${path} ${problem}.`]),
          ...(isCut ? [`${path} is larger than kx reads of such a file (${mostBytes} bytes).`] : []),
        ],
      }),
    }
  } finally {
    await source.close()
  }
}
