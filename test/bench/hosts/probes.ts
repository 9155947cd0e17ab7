import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { node } from '../../harness/apps.ts'
import { processUse } from '../../harness/proc.ts'
import { freePort, type Sshd, startSshd } from '../../harness/sshd.ts'
import type { HostsBenchSizes } from '../hosts.ts'
import { spread, tidy } from '../stats.ts'

const everySeconds = 5

/** One sshd listens on no more than 16 addresses. */
const addressesEach = 8

interface Figures {
  readonly lateMs: readonly number[]
  readonly tookMs: readonly number[]
  readonly failed: number
}

/** 64 hosts, which are sshd on 64 loopback addresses, looked at every 5 s by one process. */
export async function probes({ quick }: HostsBenchSizes) {
  const count = 64
  const ticks = quick ? 2 : 12
  const addresses = Array.from({ length: count }, (_, n) => `127.0.1.${n + 1}`)
  const port = await freePort()
  const servers: Sshd[] = []
  for (let n = 0; n < count; n += addressesEach) {
    const [address = '', ...more] = addresses.slice(n, n + addressesEach)
    servers.push(await startSshd({ address, port, config: more.map((each) => `ListenAddress ${each}:${port}`) }))
  }
  const [sshd] = servers as [Sshd]
  const words = [sshd.knownHostsFile, String(port), sshd.user, sshd.clientKey.path, String(everySeconds), String(ticks)]
  const child = spawn(node, [join(import.meta.dirname, 'probe-worker.ts'), ...words, ...addresses], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const pid = child.pid as number
    let begin: { cpuSeconds: number; atMs: number } | null = null
    let most = 0
    let cpuSeconds = Number.NaN
    let wallSeconds = Number.NaN
    const watch = setInterval(() => {
      try {
        most = Math.max(most, processUse(pid).rssBytes)
      } catch {
        // It has ended.
      }
    }, 250)
    const answers: Figures[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'measure') begin = { cpuSeconds: processUse(pid).cpuSeconds, atMs: performance.now() }
      else if (line.startsWith('{')) {
        if (begin !== null) {
          cpuSeconds = processUse(pid).cpuSeconds - begin.cpuSeconds
          wallSeconds = (performance.now() - begin.atMs) / 1000
        }
        answers.push(JSON.parse(line) as Figures)
      }
    }
    clearInterval(watch)
    const [figures] = answers
    if (figures === undefined) throw new Error('the process gave no figures')
    return {
      hosts: count,
      ...{ everySeconds, ticks },
      coreShare: tidy(cpuSeconds / wallSeconds, 3),
      rssMiB: tidy(most / 2 ** 20),
      lateMs: spread(figures.lateMs),
      probeMs: spread(figures.tookMs),
      failed: figures.failed,
    }
  } finally {
    child.kill('SIGKILL')
    for (const server of servers) await server.stop()
  }
}
