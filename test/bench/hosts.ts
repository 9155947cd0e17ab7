// npm run bench:hosts [-- --only large,small,far,resume,exec,probes,dead] [--quick] [--mib 2048] [--files 20000] [--rounds 3]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { machineFacts } from './machine.ts'

const file = resolve(import.meta.dirname, 'results/hosts.json')
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    mib: { type: 'string' },
    files: { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string', default: file },
  },
})
const { quick } = values

/** How much each part does; `--quick` tells whether it works, not how fast it is. */
export interface HostsBenchSizes {
  readonly quick: boolean
  /** Size of the one large file. */
  readonly mib: number
  /** Number of small files. */
  readonly files: number
  readonly rounds: number
}
const number = (given: string | undefined, otherwise: number) => (given === undefined ? otherwise : Number(given))
const sizes: HostsBenchSizes = {
  quick,
  mib: number(values.mib, quick ? 64 : 2048),
  files: number(values.files, quick ? 500 : 20_000),
  rounds: number(values.rounds, quick ? 1 : 3),
}

/** One file a part, loaded when it is asked for: each gives figures that can be written as JSON. */
const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  large: async () => (await import('./hosts/files.ts')).large(sizes),
  small: async () => (await import('./hosts/files.ts')).small(sizes),
  far: async () => (await import('./hosts/files.ts')).far(sizes),
  resume: async () => (await import('./hosts/resume.ts')).resume(sizes),
  exec: async () => (await import('./hosts/exec.ts')).exec(sizes),
  probes: async () => (await import('./hosts/probes.ts')).probes(sizes),
  dead: async () => (await import('./hosts/dead.ts')).dead(),
}

function earlier(): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(values.out, 'utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}

const wanted = values.only?.split(',') ?? Object.keys(parts)
let results = earlier()
for (const name of wanted) {
  const part = parts[name]
  if (part === undefined) {
    console.error(`bench:hosts has no part ${name}; it has ${Object.keys(parts).join(', ')}`)
    process.exit(2)
  }
  const machine = await machineFacts()
  console.error(`bench:hosts ${name} (load ${machine.loadAtStart}) …`)
  const figures = await part()
  // Each part keeps the machine and the moment it was taken at: parts can be taken again alone.
  results = { ...results, [name]: { figures, machine, isQuick: quick } }
  mkdirSync(resolve(values.out, '..'), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`)
}
console.log(JSON.stringify(results, null, 2))
