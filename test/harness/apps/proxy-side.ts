// The other side of a proxied host, as a process of its own or as a thread: says what it saw as one message.
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { proxiedHost } from '../../../src/host/proxy/client.ts'
import { portWire, processWire } from '../../../src/host/proxy/wire.ts'
import { endingOfOutput, hostShell } from '../../../src/host/zx/shell.ts'

const wire = parentPort === null ? processWire(process) : portWire(parentPort)
const what = parentPort === null ? process.argv[2] : (workerData as string)
const host = proxiedHost(wire, 'box', { name: 'box', kind: 'ssh' })
const { $ } = await hostShell(host, { keptBytes: 1024 * 1024, graceSeconds: 1 })
const say = (said: unknown) => wire.send({ said })
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

if (what === 'flood') {
  const hash = createHash('sha256')
  let count = 0
  const running = $`head -c 20971520 /dev/zero | tr '\\0' x; head -c 2097152 /dev/zero >&2`
  running.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    count += chunk.byteLength
  })
  const output = await running
  say({ count, sha256: hash.digest('hex'), code: output.exitCode, arrayBuffers: process.memoryUsage().arrayBuffers })
} else if (what === 'input') {
  const bytes = Buffer.alloc(3 * 1024 * 1024, 'kx')
  const output = await $({ input: bytes })`sha256sum`
  say({ same: output.stdout.slice(0, 64) === sha256(bytes) })
} else if (what === 'sleep') {
  const running = $`trap '' TERM; echo $$; sh -c 'sleep 300 & echo $!; wait'`
  let seen = ''
  running.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
    const pids = seen.trim().split('\n').map(Number)
    if (pids.length === 2) say({ pids })
  })
  const output = await running.nothrow()
  say({ ending: endingOfOutput(output) })
} else if (what === 'loop') {
  const running = $`trap '' TERM; echo $$; sleep 300`
  running.stdout.once('data', (chunk: Buffer) => {
    say({ pids: [Number(chunk.toString())] })
    // The message has to leave first.
    setTimeout(() => {
      for (;;);
    }, 100)
  })
  await running.nothrow()
}
wire.close()
