// Appends `rate` MiB a second to a file for `seconds`: node flood-writer.ts <file> <rate> <seconds>
import { closeSync, openSync, writeSync } from 'node:fs'

const [file = '', rate = '100', seconds = '60'] = process.argv.slice(2)
const line = `step ${'0123456789 '.repeat(8)}loss 0.1234 val_acc 0.9876\n`
const chunk = Buffer.from(
  line
    .repeat(Math.ceil(2 ** 20 / line.length))
    .slice(0, 2 ** 20 - 1)
    .concat('\n'),
)
const fd = openSync(file, 'a')
const startedAtMs = performance.now()
let written = 0
const timer = setInterval(() => {
  const elapsed = (performance.now() - startedAtMs) / 1000
  const due = Math.min(elapsed, Number(seconds)) * Number(rate)
  // Behind on a slow disk: at most a tenth of a second's worth at once, so that the end comes in time.
  for (let n = 0; written < due && n < Number(rate) / 10; n += 1) {
    writeSync(fd, chunk)
    written += 1
  }
  if (elapsed < Number(seconds)) return
  clearInterval(timer)
  closeSync(fd)
  console.log(JSON.stringify({ megabytes: written, seconds: elapsed }))
}, 10)
