import { readLooseYaml } from '../text/yaml-loose.ts'
import { csvReader } from './csv.ts'
import { severalReader } from './several.ts'
import { readText } from './text-file.ts'
import type { Folder, ReadReport, RunReader, Sink } from './types.ts'

/** Reads one `version_<n>` folder of Lightning's CSV logger: `metrics.csv` and `hparams.yaml` (handbook compare 4.5). */
export function lightningReader(folder: Folder, path: string): RunReader {
  const metrics = csvReader(folder.open(`${path}/metrics.csv`), 'lightning')
  const settings = async (sink: Sink): Promise<readonly ReadReport[]> => {
    const file = await readText(folder, `${path}/hparams.yaml`, 'lightning')
    if (file === null) return []
    const { value, problem } = readLooseYaml(file.text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, setting] of Object.entries(value)) sink.config([name], setting)
    }
    return [file.report(problem)]
  }
  // Settings come last: a table that was written anew voids what was told before it.
  return severalReader('lightning', [(sink, signal) => metrics.advance(sink, signal), settings], () => metrics.close())
}
