import { readLooseYaml } from '../../text/yaml-loose.ts'
import { looseJson } from '../json-value.ts'
import { readText } from '../text-file.ts'
import type { Facts, Folder, ReadReport, Sink } from '../types.ts'

/**
 * The JSON and YAML files that W&B writes beside its log: of online runs, and of offline ones of older versions. They are
 * believed where the log says nothing, so they are to be read before it.
 */
export async function readWandbFiles(folder: Folder, path: string, sink: Sink): Promise<readonly ReadReport[]> {
  const reports: ReadReport[] = []
  const config = await readText(folder, `${path}/files/config.yaml`, 'wandb')
  if (config !== null) {
    const { value, problem } = readLooseYaml(config.text)
    for (const [key, entry] of Object.entries(asObject(value))) {
      if (key === '_wandb') continue
      const inner = asObject(entry)
      sink.config([key], 'value' in inner ? inner.value : entry)
    }
    reports.push(config.report(problem))
  }
  const summary = await readText(folder, `${path}/files/wandb-summary.json`, 'wandb')
  if (summary !== null) {
    const value = looseJson(summary.text)
    for (const [key, entry] of Object.entries(asObject(value))) if (!key.startsWith('_')) sink.summary([key], entry)
    reports.push(summary.report(value === undefined ? 'is no JSON; nothing was taken from it' : null))
  }
  const metadata = await readText(folder, `${path}/files/wandb-metadata.json`, 'wandb')
  if (metadata !== null) {
    const value = looseJson(metadata.text)
    sink.facts(factsOf(asObject(value)))
    reports.push(metadata.report(value === undefined ? 'is no JSON; nothing was taken from it' : null))
  }
  const requirements = await readText(folder, `${path}/files/requirements.txt`, 'wandb')
  if (requirements !== null) {
    sink.facts({ packages: packagesOf(requirements.text) })
    reports.push(requirements.report(null))
  }
  return reports
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
const defined = (facts: Record<string, unknown>): Facts =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))

function factsOf(metadata: Record<string, unknown>): Facts {
  const git = asObject(metadata.git)
  return defined({
    os: textOf(metadata.os),
    python: textOf(metadata.python),
    host: textOf(metadata.host),
    program: textOf(metadata.program),
    args: Array.isArray(metadata.args) ? metadata.args.map(String) : undefined,
    commit: textOf(git.commit),
    gpu: textOf(metadata.gpu),
    gpuCount: typeof metadata.gpu_count === 'number' ? metadata.gpu_count : undefined,
    cuda: textOf(metadata.cudaVersion) ?? textOf(metadata.cuda),
  })
}

/** `name==version` lines; what has another form (paths, addresses) has no version to compare. */
export function packagesOf(text: string): Readonly<Record<string, string>> {
  const packages: Record<string, string> = Object.create(null)
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)/.exec(line.trim())
    if (match) packages[(match[1] as string).toLowerCase().replaceAll(/[-_.]+/g, '-')] = match[2] as string
  }
  return packages
}
