// npm run bench:ui [-- --only first,keys,idle,memory,repaint,resize,live,flood] [--quick] [--frames 30000]
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { firstFrame } from './first-frame.ts'
import { idle } from './idle.ts'
import { keys } from './keys.ts'
import { flood, live } from './live.ts'
import { memory } from './memory.ts'
import { repaint, resizes } from './resize.ts'
import { takeFigures } from './take.ts'

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

await takeFigures({ name: 'bench:ui', parts, only: values.only, out: values.out, isQuick: quick })
