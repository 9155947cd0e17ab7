import { setTimeout as sleep } from 'node:timers/promises'
import { createSshHost } from '../../../src/host/ssh/host.ts'
import type { SshStatus } from '../../../src/host/ssh/types.ts'
import { startProxy } from '../../harness/link-proxy.ts'
import { startNetBox, whyNoNetBoxes } from '../../harness/netbox.ts'
import { hopTo, trusting } from '../../harness/ssh-host.ts'
import { startSshd } from '../../harness/sshd.ts'
import { tidy } from '../stats.ts'

/** A link that dies without a word, at full length: when it is shown as old, and when it is given up. */
export async function dead() {
  const machine = whyNoNetBoxes() === null ? await startNetBox() : null
  const sshd = await startSshd(machine === null ? {} : { address: machine.address, port: 22, within: machine.within() })
  const proxy = machine === null ? await startProxy(sshd.port) : null
  const told: SshStatus[] = []
  const host = createSshHost({
    name: 'box',
    hops: [proxy === null ? hopTo(sshd) : hopTo(sshd, proxy.port)],
    verify: trusting(sshd),
    onStatus: (status) => told.push(status),
  })
  try {
    await host.connect()
    const running = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
    await sleep(500)
    const cutAtMs = Date.now()
    if (machine !== null) machine.cut()
    else proxy?.blackHole()
    // What answers keys runs on the same loop: the longest that anything had to wait.
    let [longestMs, last] = [0, performance.now()]
    const beat = setInterval(() => {
      const now = performance.now()
      longestMs = Math.max(longestMs, now - last - 10)
      last = now
    }, 10)
    const { ending } = await running
    clearInterval(beat)
    const after = (state: string) =>
      tidy(((told.find((each) => each.state === state)?.sinceMs ?? Number.NaN) - cutAtMs) / 1000, 2)
    return {
      by: machine === null ? 'proxy' : 'DROP in a network namespace',
      staleAfterSeconds: after('stale'),
      deadAfterSeconds: after('down'),
      longestPauseOfTheLoopMs: tidy(longestMs),
      ending: ending.kind,
    }
  } finally {
    machine?.heal()
    proxy?.pass()
    await host.close()
    await proxy?.stop()
    await sshd.stop()
    await machine?.stop()
  }
}
