type Path = readonly (string | number)[]

/** A plan that uses every section, as data: what the hostile ones are made from. */
export const fullPlan = {
  version: 1,
  name: 'full',
  goal: 'Raise accuracy above 0.9',
  metrics: [{ name: 'acc', direction: 'higher', chance: 0.5, target: 0.9, primary: true }],
  command: ['node', 'train.mjs', '{seed}'],
  environmentVariables: { OMP_NUM_THREADS: '1' },
  logPattern: '{name}={value}',
  units: { seeds: [1, 2, 3], sequential: false },
  smoke: { units: 1, timeoutSeconds: 60, killAfterSteps: 1 },
  environment: { kind: 'uv', requirements: 'requirements.txt', python: '3.13', lock: 'uv.lock' },
  data: [{ path: 'data/a.csv', bytes: 10, rows: 2, source: 'x', licence: 'MIT' }],
  model: { parameters: 100, precision: 'fp32' },
  resources: { compute: 'cpu', workers: 2, threadsPerWorker: 1, memoryBytes: 1000, diskBytes: 10, shmBytes: 1 },
  checkpoints: { bytes: 10, count: 2, scratchBytes: 0, contract: 'checkpoint.json' },
  artifacts: [{ glob: 'units/*/result.json', minimumCount: 3, minimumBytes: 1, kind: 'json' }],
  after: [{ name: 'sum', command: ['node', 'sum.mjs'], timeoutSeconds: 10 }],
  save: { name: 'save', command: ['node', 'save.mjs'], timeoutSeconds: 10 },
  secrets: ['HF_TOKEN'],
  hosts: ['local'],
  abort: { nan: true, belowChanceAfterUnits: 2, wallHours: 1, idleMinutes: 5, costPercent: 90 },
  budget: { usd: 0, hours: 1, gpuHours: 0 },
  deadline: '2030-01-01T00:00:00Z',
  profiles: ['local'],
  tracking: { kind: 'plain', project: 'p' },
  retention: { checkpointDays: 7, resultDays: 30 },
  seed: 0,
  code: { roots: ['.'], exclude: ['old'] },
  configFiles: ['c.json'],
  configChecks: [
    { form: 'range', id: 'lr', key: 'lr', minimum: 0, maximum: 1, recommended: [0.1, 0.2], optional: false },
  ],
}

/** What a value of the wrong kind looks like, for each kind. All of these must be refused wherever the kind is asked for. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  string: [7, true, null, [], {}, 'a\0b', 'x'.repeat(5000)],
  number: ['seven', true, null, [], {}, -1e308, 1e300],
  boolean: ['yes', 1, null, [], {}],
  list: ['one', 7, true, null, { a: 1 }],
  map: ['one', 7, true, null, [1]],
}

const kindOf = (value: unknown): string =>
  Array.isArray(value) ? 'list' : value !== null && typeof value === 'object' ? 'map' : typeof value

/** Every path of a value, with the value that stands there. */
export function pathsOf(value: unknown, path: Path = []): { readonly path: Path; readonly value: unknown }[] {
  const here = path.length === 0 ? [] : [{ path, value }]
  if (value === null || typeof value !== 'object') return here
  return [
    ...here,
    ...Object.entries(value).flatMap(([k, v]) => pathsOf(v, [...path, Array.isArray(value) ? Number(k) : k])),
  ]
}

/** A deep copy with another value at one path. */
export function withValue(value: unknown, path: Path, replacement: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return replacement
  if (Array.isArray(value)) return value.map((v, i) => (i === first ? withValue(v, rest, replacement) : v))
  return Object.fromEntries(
    Object.entries(value as object).map(([k, v]) => [k, k === first ? withValue(v, rest, replacement) : v]),
  )
}

export interface Hostile {
  readonly name: string
  readonly source: string
  /** Line that must be named by one of the problems; null: any. */
  readonly line: number | null
  /** Word that must stand in the hint or the expectation of one of them. */
  readonly hint?: string
}

/** Pretty JSON is YAML with one key a line, so the line of a path can be found without the reader under test. */
function render(value: unknown, path: Path): { source: string; line: number | null } {
  const marker = 'kx-marker-8d1f'
  const source = JSON.stringify(value, null, 2)
  const marked = JSON.stringify(withValue(value, path, marker), null, 2).split('\n')
  const line = marked.findIndex((l) => l.includes(marker))
  return { source, line: line < 0 ? null : line + 1 }
}

/** One wrong value at one path of a good document, for every path and every wrong kind. */
export function wrongValues(good: object, keep: (path: string, value: unknown) => boolean = () => true): Hostile[] {
  return pathsOf(good).flatMap(({ path, value }) =>
    (wrong[kindOf(value)] ?? [])
      .filter((replacement) => keep(path.join('.'), replacement))
      .map((replacement) => {
        const made = render(withValue(good, path, replacement), path)
        return { name: `${path.join('.')} = ${JSON.stringify(replacement).slice(0, 30)}`, ...made }
      }),
  )
}

/** Two letters of a key swapped, for every key of every closed map: the hint must name the key that was meant. */
export function misspeltKeys(good: object, isOpen: (path: string) => boolean = () => false): Hostile[] {
  return pathsOf(good).flatMap(({ path }) => {
    const key = path.at(-1)
    if (typeof key !== 'string' || key.length < 3 || isOpen(path.slice(0, -1).join('.'))) return []
    const typo = `${key[0]}${key[2]}${key[1]}${key.slice(3)}`
    if (typo === key) return []
    const rename = (value: unknown, rest: Path): unknown => {
      const [first, ...more] = rest
      if (Array.isArray(value)) return value.map((v, i) => (i === first ? rename(v, more) : v))
      const entries = Object.entries(value as object)
      return Object.fromEntries(
        entries.map(([k, v]) => (k !== first ? [k, v] : more.length === 0 ? [typo, v] : [k, rename(v, more)])),
      )
    }
    const renamed = rename(good, path)
    const source = JSON.stringify(renamed, null, 2)
    const { line } = render(renamed, [...path.slice(0, -1), typo])
    // Without its discriminator a map is of no known kind: then the map's own line is told, with the missing key.
    const isDiscriminator = /^(?:environment\.kind|configChecks\.\d+\.form)$/.test(path.join('.'))
    return [{ name: `${path.join('.')} as ${typo}`, source, line: isDiscriminator ? null : line, hint: key }]
  })
}
