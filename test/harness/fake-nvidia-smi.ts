import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gpuFields } from '../../src/host/probe/nvidia.ts'

type Field = (typeof gpuFields)[number]
export type Card = Readonly<Record<Field, string>>

/** Cells as the drivers of these cards print them; written down here, so that every test sees the same. */
const shared = {
  'utilization.gpu': '0',
  'utilization.memory': '0',
  'ecc.errors.uncorrected.volatile.total': '0',
  'clocks_throttle_reasons.active': '0x0000000000000001',
}
const models = {
  h100: {
    ...{ name: 'NVIDIA H100 80GB HBM3', driver_version: '550.90.07', pstate: 'P0', compute_cap: '9.0' },
    ...{ 'memory.total': '81559', 'memory.used': '4', 'temperature.gpu': '30', 'fan.speed': '[N/A]' },
    ...{ 'power.draw': '109.21', 'power.limit': '700.00', 'clocks.sm': '345', 'clocks.max.sm': '1980' },
    ...{ 'clocks.mem': '2619', 'clocks.max.mem': '2619' },
    ...{ 'pcie.link.gen.current': '5', 'pcie.link.width.current': '16' },
    ...shared,
  },
  a100: {
    ...{ name: 'NVIDIA A100-SXM4-80GB', driver_version: '550.54.15', pstate: 'P0', compute_cap: '8.0' },
    ...{ 'memory.total': '81920', 'memory.used': '4', 'temperature.gpu': '31', 'fan.speed': '[N/A]' },
    ...{ 'power.draw': '61.45', 'power.limit': '400.00', 'clocks.sm': '210', 'clocks.max.sm': '1410' },
    ...{ 'clocks.mem': '1593', 'clocks.max.mem': '1593' },
    ...{ 'pcie.link.gen.current': '4', 'pcie.link.width.current': '16' },
    ...shared,
  },
  t4: {
    ...{ name: 'Tesla T4', driver_version: '535.183.01', pstate: 'P8', compute_cap: '7.5' },
    ...{ 'memory.total': '15360', 'memory.used': '2', 'temperature.gpu': '34', 'fan.speed': '[N/A]' },
    ...{ 'power.draw': '9.38', 'power.limit': '70.00', 'clocks.sm': '300', 'clocks.max.sm': '1590' },
    ...{ 'clocks.mem': '405', 'clocks.max.mem': '5001' },
    ...{ 'pcie.link.gen.current': '1', 'pcie.link.width.current': '8' },
    ...shared,
  },
} as const
export type GpuModel = keyof typeof models

/** `ok`; or what a driver in trouble does: hangs, lost a card, ends with 9 because there is no driver. */
export type GpuMood = 'ok' | 'hangs' | 'lost' | 'no-driver'

export interface FakeNvidiaSmi {
  /** Goes first on the PATH of the box. */
  readonly binFolder: string
  mood(next: GpuMood): void
  /** Cells that change from now on, of every card or of one. */
  set(cells: Partial<Card>, card?: number): void
  /** Lines `gpu uuid, pid, name, MiB`, as the query for computing processes prints them. */
  processes(lines: readonly string[]): void
  /** Questions that it did not know and failed on: a test that is done wants none. */
  refused(): readonly string[]
}

/**
 * A FAKE of nvidia-smi in a folder: it replays a table of cards. Strict: it answers the two questions that kx asks, any
 * choice of known fields, in their exact form, and the header of the table without any; the rest fails with code 99 and is kept for the test to see.
 */
export function fakeNvidiaSmi(folder: string, model: GpuModel, count = 1): FakeNvidiaSmi {
  const binFolder = join(folder, 'bin')
  mkdirSync(binFolder, { recursive: true })
  const seat = (n: number) => ({
    index: String(n),
    uuid: `GPU-fa4e0000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    'pci.bus_id': `00000000:${(16 + n).toString(16).toUpperCase()}:00.0`,
  })
  const cards: Record<string, string>[] = Array.from({ length: count }, (_, n) => ({ ...models[model], ...seat(n) }))
  const write = () =>
    writeFileSync(join(folder, 'cards'), cards.map((card) => `${gpuFields.map((f) => card[f]).join('|')}\n`).join(''))
  write()
  writeFileSync(join(folder, 'mood'), 'ok\n')
  writeFileSync(join(folder, 'processes'), '')
  rmSync(join(folder, 'refused'), { force: true })
  writeFileSync(join(binFolder, 'nvidia-smi'), program(folder), { mode: 0o755 })
  appendFileSync(join(folder, 'refused'), '')
  return {
    binFolder,
    mood: (next) => writeFileSync(join(folder, 'mood'), `${next}\n`),
    set: (cells, card) => {
      for (const [n, each] of cards.entries()) if (card === undefined || card === n) Object.assign(each, cells)
      write()
    },
    processes: (lines) => writeFileSync(join(folder, 'processes'), lines.map((line) => `${line}\n`).join('')),
    refused: () => {
      const path = join(folder, 'refused')
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
    },
  }
}

const program = (folder: string) => `#!/bin/sh
# A FAKE of nvidia-smi for tests: it replays the table beside it.
here='${folder}'
refuse() { printf '%s\\n' "$*" >>"$here/refused"; echo "fake nvidia-smi: not a question it knows: $*" >&2; exit 99; }
case $(cat "$here/mood") in
  hangs) exec sleep 3600 ;;
  no-driver)
    echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
    exit 9 ;;
  lost) echo 'Unable to determine the device handle for GPU0000:10:00.0: Unknown Error'; exit 15 ;;
esac
if [ "$#" = 0 ]; then
  echo '| NVIDIA-SMI 550.90.07              Driver Version: 550.90.07      CUDA Version: 12.4     |'
  exit 0
fi
[ "$#" = 2 ] && [ "$2" = --format=csv,noheader,nounits ] || refuse "$@"
case $1 in
  --query-compute-apps=gpu_uuid,pid,process_name,used_memory) exec cat "$here/processes" ;;
  --query-gpu=*) ;;
  *) refuse "$@" ;;
esac
exec awk -F '|' -v asked="\${1#--query-gpu=}" -v all='${gpuFields.join(',')}' '
  BEGIN {
    n = split(all, names, ","); for (i = 1; i <= n; i += 1) at[names[i]] = i
    count = split(asked, wanted, ",")
    for (i = 1; i <= count; i += 1)
      if (!(wanted[i] in at)) { printf "Field \\"%s\\" is not a valid field to query.\\n\\n", wanted[i]; bad = 1; exit 2 }
  }
  { line = $at[wanted[1]]; for (i = 2; i <= count; i += 1) line = line ", " $at[wanted[i]]; print line }
  END { if (bad) exit 2 }
' "$here/cards"
`
