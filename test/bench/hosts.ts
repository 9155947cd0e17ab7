// npm run bench:hosts [-- --only large,small,far,resume,exec,probes,dead] [--quick] [--mib 2048] [--files 20000] [--rounds 3]
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { takeFigures } from './take.ts'

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

await takeFigures({ name: 'bench:hosts', parts, only: values.only, out: values.out, isQuick: quick })
