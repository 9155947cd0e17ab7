// npm run bench:soak [-- --frames 600000]: keys held for as many frames as a week of looks makes; RSS, its slope, open
// files. At 80x24: what leaks does so with frames, not with cells, and it takes an hour less.
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { machineFacts } from './machine.ts'
import { memory } from './memory.ts'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '600000' },
    out: { type: 'string', default: resolve(import.meta.dirname, 'results/soak.json') },
  },
})
const machine = await machineFacts()
const result = { soak: { figures: await memory(Number(values.frames), 80, 24), machine, isQuick: false } }
mkdirSync(resolve(values.out, '..'), { recursive: true })
writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)
console.log(JSON.stringify(result, null, 2))
