import { looseJson } from './json-value.ts'
import { readText } from './text-file.ts'
import type { Facts, Folder, ReadReport, Sink } from './types.ts'

/** Names under which environment fingerprints keep what can be compared, in the order in which they are believed. */
const names: readonly (readonly [keyof Facts & string, readonly string[]])[] = [
  ['python', ['python', 'python_version']],
  ['os', ['platform', 'os', 'system']],
  ['cuda', ['cuda', 'cuda_version', 'torch_cuda']],
  ['cudnn', ['cudnn', 'cudnn_version']],
  ['driver', ['driver', 'driver_version', 'nvidia_driver']],
  ['gpu', ['gpu', 'gpu_name', 'device_name', 'device']],
  ['commit', ['git_commit', 'commit', 'git_sha', 'git_rev']],
]
/** Packages that a fingerprint names by themselves. */
const packages = [
  'torch',
  'numpy',
  'scipy',
  'pandas',
  'scikit-learn',
  'sklearn',
  'transformers',
  'lightning',
  'jax',
  'tensorflow',
]

/** Reads `env_fingerprint.json`: what a run's own interpreter said of its environment. */
export async function readFingerprint(folder: Folder, path: string, sink: Sink): Promise<readonly ReadReport[]> {
  const file = await readText(folder, path, 'kx')
  if (file === null) return []
  const value = looseJson(file.text)
  if (typeof value !== 'object' || value === null) return [file.report('is no JSON object; nothing was taken from it')]
  const flat = value as Record<string, unknown>
  const facts: Record<string, unknown> = {}
  for (const [fact, keys] of names) {
    const found = keys.map((key) => flat[key]).find((each) => typeof each === 'string' || typeof each === 'number')
    if (found !== undefined) facts[fact] = String(found)
  }
  const known: Record<string, string> = Object.create(null)
  const listed = flat.packages
  for (const [name, version] of Object.entries(
    (typeof listed === 'object' && listed !== null ? listed : {}) as object,
  )) {
    if (typeof version === 'string') known[name.toLowerCase()] = version
  }
  for (const name of packages) {
    const version = flat[name] ?? flat[`${name}_version`]
    if (typeof version === 'string') known[name] ??= version
  }
  if (Object.keys(known).length > 0) facts.packages = known
  sink.facts(facts)
  return [file.report(null)]
}
