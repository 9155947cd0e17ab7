import { severalReader } from '../several.ts'
import type { Folder, RunReader } from '../types.ts'
import { readWandbFiles } from './files.ts'
import { wandbReader } from './reader.ts'

/** Reads one run folder of W&B: the files beside the log first, then the log, which holds where both say something. */
export function wandbRunReader(folder: Folder, path: string, log: string | null): RunReader {
  const reader = log === null ? null : wandbReader(folder.open(`${path}/${log}`))
  let hasFiles = false
  return severalReader(
    'wandb',
    [
      async (sink) => {
        // What the log has said since would be put back to what the files say.
        if (hasFiles && reader !== null) return []
        hasFiles = true
        return await readWandbFiles(folder, path, sink)
      },
      async (sink, signal) => (reader === null ? [] : await reader.advance(sink, signal)),
    ],
    async () => {
      await reader?.close()
    },
  )
}
