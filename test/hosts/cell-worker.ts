// A kx that runs one cell on a host: the run's folder, the name of the host and an ssh configuration come as arguments.
import { join } from 'node:path'
import { openHost } from '../../src/host/open.ts'
import { openCell } from '../../src/notebook/cell-writer.ts'
import { keepProcess } from '../../src/run/cell-process.ts'
import { openRun } from '../../src/run/handle.ts'

const [folder = '', name = '', configFile = ''] = process.argv.slice(2)
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
const run = await openRun(folder, { clock })
const { host } = await openHost(name, { env: process.env, stateFolder: join(folder, 'ssh'), configFile })
const plain = { push: (chunk: Uint8Array | string) => String(chunk), end: () => '', count: 0 }
const cell = await openCell(
  run,
  { name: 'smoke.run', title: 'Smoke', args: {}, risk: 'change', source: 'smoke.run {}' },
  {
    clock,
    newId: () => `01CELL${process.pid}`,
    who: 'ada',
    via: 'cli',
    host: null,
    createSanitiser: () => plain,
    createRedactor: () => plain,
  },
)
const { ending } = await host.exec(['sh', '-c', 'sleep 600 & wait'], {
  timeoutSeconds: 600,
  onBegun: (who) => keepProcess(cell, name, who),
})
await cell.end({ state: 'failed', summary: `ended as ${JSON.stringify(ending)}` })
await host.close()
await run.close()
