// npm run bench:ui [-- --only first,keys,idle,memory,repaint,resize,live,flood] [--quick] [--frames 30000]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { firstFrame } from './first-frame.ts'
import { idle } from './idle.ts'
import { keys } from './keys.ts'
import { flood, live } from './live.ts'
import { machineFacts } from './machine.ts'
import { memory } from './memory.ts'
import { repaint, resizes } from './resize.ts'

const file = resolve(import.meta.dirname, 'results/ui.json')
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    frames: { type: 'string', default: '30000' },
    out: { type: 'string', default: file },
  },
})
const { quick } = values

const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  first: () => firstFrame(quick ? 3 : 15),
  keys: async () => ({ '120x40': await keys(120, 40, quick), '200x60': await keys(200, 60, quick) }),
  repaint: () => repaint(quick ? 3 : 20),
  resize: () => resizes(quick ? 20 : 200),
  idle: () => idle(quick ? 10 : 60),
  live: () =>
    live(
      quick ? 10 : 60,
      quick ? 0 : 240,
      quick ? { move: 1, screens: 1, palette: 1 } : { move: 4, screens: 4, palette: 3 },
    ),
  flood: () => flood(quick ? 10 : 60),
  memory: () => memory(quick ? 1000 : Number(values.frames)),
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
    console.error(`bench:ui has no part ${name}; it has ${Object.keys(parts).join(', ')}`)
    process.exit(2)
  }
  const machine = await machineFacts()
  console.error(`bench:ui ${name} (load ${machine.loadAtStart}) …`)
  const figures = await part()
  // Each part keeps the machine and the moment it was taken at: parts can be taken again alone.
  results = { ...results, [name]: { figures, machine, isQuick: quick } }
  mkdirSync(resolve(values.out, '..'), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`)
}
console.log(JSON.stringify(results, null, 2))
