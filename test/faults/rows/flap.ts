import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { sshTiming } from '../../../src/host/ssh/timing.ts'
import { waitUntil } from '../../harness/wait.ts'
import { timingAt } from './rig.ts'
import type { FaultCase, FaultRow } from './types.ts'

/** Up and down, again and again: as often as the link may be tried, and no more; nobody is locked out. */
async function flap(given: FaultCase): Promise<void> {
  const { rig, pace } = given
  const factor = pace === 'whole' ? 1 : 0.05
  const flaps = pace === 'pick' ? 6 : 60
  const half = 5000 * factor
  // Refused and reset, as by REJECT; or silence, as by DROP.
  const way = pace === 'whole' ? 'reset' : given.turn(['reset', 'silence'] as const)
  given.say(`${way}, ${flaps} times`)
  const box = await rig.sshd()
  const proxy = await rig.proxy(box.port)
  const timing = pace === 'whole' ? sshTiming : timingAt(factor)
  const { hopTo, trusting } = await import('../../harness/ssh-host.ts')
  const lines: { readonly state: string; readonly atMs: number; readonly nextTryAtMs: number | null }[] = []
  let resumes = 0
  const { host, told } = rig.hostBy([hopTo(box, proxy.port)], trusting(box), {
    timing,
    onStatus: (status) => {
      told.push(status)
      lines.push({ state: status.state, atMs: Date.now(), nextTryAtMs: status.nextTryAtMs })
      // A person who comes by and lets it go on.
      if (status.state === 'paused') {
        resumes += 1
        setTimeout(() => host.resume(), half)
      }
    },
  })
  await host.connect()
  for (let n = 0; n < flaps; n += 1) {
    if (way === 'reset') {
      await proxy.refuse()
      proxy.cut()
    } else proxy.blackHole()
    await sleep(half)
    if (way === 'reset') await proxy.accept()
    else proxy.pass()
    await sleep(half)
  }
  await waitUntil(() => host.status().state === 'up', { timeoutMs: 60_000, what: 'the link to come up' })
  assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 }, 'no lockout')
  const connecting = lines.filter((each) => each.state === 'connecting')
  assert(proxy.accepted <= connecting.length, `${proxy.accepted} connects for ${connecting.length} tries`)
  // A try comes when it was said to come, or when a person said so, and at no other time.
  for (const [i, each] of lines.entries()) {
    if (each.state !== 'connecting' || i === 0) continue
    const before = lines[i - 1]
    if (before?.state === 'down')
      assert(each.atMs >= (before.nextTryAtMs ?? 0) - 2, `tried ${(before.nextTryAtMs ?? 0) - each.atMs} ms too early`)
    else assert.equal(before?.state, 'paused')
  }
  const log = box.log()
  const accepted = log.split('Accepted publickey').length - 1
  const failed = log.split(/Failed publickey|maximum authentication|Too many auth/).length - 1
  assert.equal(failed, 0, 'no login was refused')
  const ups = lines.filter((each, i) => each.state === 'up' && lines[i - 1]?.state === 'connecting').length
  assert(accepted <= connecting.length, `${accepted} logins for ${connecting.length} tries`)
  assert(accepted >= ups)
  given.figure('tries', connecting.length)
  given.figure('times that a person let it go on', resumes)
}

export const n6: FaultRow = {
  id: 'N6',
  fault: 'flap: 5 s up, 5 s down, 60 times',
  mustHold: '≤ 1 connect a backoff slot; no authentication retries; no lockout',
  injected: () => 'proxy that refuses and resets, or passes nothing; 20 times faster, and once at full length',
  atOnce: 10,
  limitSeconds: 300,
  hasWhole: true,
  run: flap,
}
