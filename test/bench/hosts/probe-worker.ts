// One kx process that probes many hosts every few seconds; its figures go to standard output as JSON.
// Arguments: file of known host keys, port, user, key file, seconds between ticks, ticks, addresses.
import { readFileSync } from 'node:fs'
import { runProbe } from '../../../src/host/probe/run-probe.ts'
import { createSshHost } from '../../../src/host/ssh/host.ts'

const [known = '', port = '', user = '', key = '', seconds = '5', ticks = '12', ...addresses] = process.argv.slice(2)
const lines = readFileSync(known, 'utf8')
const hosts = addresses.map((address) =>
  createSshHost({
    name: address,
    hops: [{ address, port: Number(port), user, identityFiles: [key], identitiesOnly: true, agentSocket: null }],
    verify: (_host, _port, type, base64) => ({ isAccepted: lines.includes(`${type} ${base64}`), words: [] }),
  }),
)
await Promise.all(hosts.map((host) => host.connect()))
const every = Number(seconds) * 1000
const lateMs: number[] = []
const tookMs: number[] = []
let failed = 0
/** Hosts are asked one after the other over the whole interval, as looks that began at different moments are. */
const probeOn = async (host: (typeof hosts)[number], offsetMs: number, from: number) => {
  for (let tick = 0; tick < Number(ticks); tick += 1) {
    const dueAt = from + offsetMs + tick * every
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())))
    lateMs.push(performance.now() - dueAt)
    const { probe, durationMs } = await runProbe(host, { paths: ['/tmp'], isRepeated: true })
    if (!probe.isComplete) failed += 1
    tookMs.push(durationMs)
  }
}
// The shells that are kept open are opened once, before it counts.
for (const host of hosts) await runProbe(host, { paths: ['/tmp'], isRepeated: true })
process.stdout.write('measure\n')
const from = performance.now() + 200
await Promise.all(hosts.map((host, i) => probeOn(host, (i * every) / hosts.length, from)))
process.stdout.write(`${JSON.stringify({ lateMs, tookMs, failed })}\n`)
await Promise.all(hosts.map((host) => host.close()))
