import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { whyNoNetBoxes } from '../../harness/netbox.ts'
import { text } from '../../harness/ssh-host.ts'
import { waitUntil } from '../../harness/wait.ts'
import { bytesOf, Lag, openSockets, timingAt } from './rig.ts'
import type { FaultCase, FaultRow, Pace } from './types.ts'

/** Seconds that the table promises. */
const staleSeconds = 15
const deadSeconds = 40

/**
 * Clocks of a link in the pick are faster than in the full suite: both scale promise and timing alike. A pause of the test
 * process is not scaled with them, so what is measured at a tenth shows it ten times as long: N1 takes the real clocks.
 */
const factorOf = ({ pace, isAtRealClocks }: { readonly pace: Pace; readonly isAtRealClocks: boolean }) =>
  pace === 'pick' ? 0.05 : isAtRealClocks ? 1 : 0.1

/** Quick tries, so that a case ends soon after the link is whole again. */
const timingOf = (factor: number) => ({
  ...timingAt(factor),
  shortestBackoffSeconds: 0.05,
  longestBackoffSeconds: 0.3,
  tries: 1000,
})

/**
 * A command runs, a job of the box writes a log, and kx reads it by offset; then the link dies. The command must be
 * unknown, the link must be shown stale and dead in time, and the log must come home whole.
 */
async function cutAndResume(
  given: FaultCase,
  which: 'both' | 'replies',
  { by, isAtRealClocks = false }: { readonly by?: 'proxy' | undefined; readonly isAtRealClocks?: boolean } = {},
): Promise<void> {
  const { rig, pace } = given
  const before = openSockets()
  // Where cases share one process, they share the count of sockets.
  const countsSockets = pace !== 'pick' && !isAtRealClocks
  const factor = factorOf({ pace, isAtRealClocks })
  const box = await rig.box(by === undefined ? {} : { by })
  const lag = new Lag()
  rig.later(() => lag.stop())
  const { host, told } = rig.host(box, { timing: timingOf(factor) })
  await host.connect()
  const log = join(box.sshd.home, 'job.log')
  const lines = given.between(2000, 6000)
  // The job belongs to the box: it outlives the link.
  const launched = await host.exec([
    ...['sh', '-c'],
    'setsid sh -c \'i=0; while [ "$i" -lt "$1" ]; do i=$((i + 1)); echo "line $i of the job" >>"$0"; done; echo end >>"$0"\' "$0" "$1" >/dev/null 2>&1 </dev/null &',
    ...[log, String(lines)],
  ])
  assert.deepEqual(launched.ending, { kind: 'exited', code: 0 })
  let got = Buffer.alloc(0)
  const readOn = async () => {
    const piece = await host.read(log, got.byteLength, 64 * 1024).catch(() => null)
    if (piece !== null) got = Buffer.concat([got, piece])
  }
  await waitUntil(async () => {
    await readOn()
    return got.byteLength > 0
  })
  const running = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
  const flood = host.exec(['sh', '-c', 'while :; do echo x; sleep 0.01; done'], { timeoutSeconds: 600 })
  await host.exec(['true'])
  const half = readOn()
  await sleep(given.random() * 50)
  lag.restart()
  const cutAtMs = Date.now()
  box.cut(which)
  // Making the cut keeps this process from running for a moment: the link is whole until it is done, or in part.
  const cutMs = Date.now() - cutAtMs
  const [ran, flooded] = await Promise.all([running, flood])
  assert.equal(ran.ending.kind, 'unknown', 'what was under way is unknown')
  assert.equal(flooded.ending.kind, 'unknown', 'what was under way is unknown')
  const stale = told.find((each) => each.state === 'stale')
  const down = told.find((each) => each.state === 'down')
  assert(stale !== undefined && down !== undefined, `shown stale, then dead: ${told.map((each) => each.state)}`)
  // At real clocks the promise holds as it stands; scaled, a pause of this process is many times as long as it was.
  const spare = factor === 1 ? 0 : lag.maxMs / 1000
  const staleAfter = (stale.sinceMs - cutAtMs) / 1000
  const deadAfter = (down.sinceMs - cutAtMs) / 1000
  given.figure('stale after s, unscaled', staleAfter / factor)
  given.figure('dead after s, unscaled', deadAfter / factor)
  given.figure('clocks of the link', factor)
  given.figure('longest pause of the process that measures, between cut and dead, ms', lag.maxMs)
  given.figure('longest that making the cut took, ms', cutMs)
  assert(staleAfter <= staleSeconds * factor + spare, `stale after ${staleAfter} s at factor ${factor}, lag ${spare} s`)
  assert(deadAfter <= deadSeconds * factor + spare, `dead after ${deadAfter} s at factor ${factor}, lag ${spare} s`)
  await half
  box.heal()
  await waitUntil(
    async () => {
      await readOn()
      return got.subarray(-5).toString() === '\nend\n'
    },
    { timeoutMs: 60_000, what: 'the log to come home', describe: () => JSON.stringify(host.status()) },
  )
  const expected = Buffer.from(`${Array.from({ length: lines }, (_, i) => `line ${i + 1} of the job\n`).join('')}end\n`)
  assert(bytesOf(log).equals(expected), 'the job wrote all of its log')
  assert(got.equals(expected), `0 bytes lost or twice: ${got.byteLength} of ${expected.byteLength}`)
  await host.close()
  lag.stop()
  await waitUntil(() => box.proxy === null || box.proxy.connections === 0, { what: 'the proxy to see all closed' })
  await waitUntil(() => !countsSockets || openSockets() <= before + (box.proxy === null ? 0 : 1), {
    what: 'no leaked socket',
    describe: () => `${openSockets()} open, ${before} before`,
  })
}

const dropped = () =>
  whyNoNetBoxes() === null
    ? 'DROP in a network namespace, and by the proxy in turn; real clocks'
    : 'proxy that passes nothing; real clocks'

/** In turn over namespaces and the proxy. */
const wayOf = (given: FaultCase) => given.turn([undefined, undefined, 'proxy' as const])

export const n1: FaultRow = {
  id: 'N1',
  fault: 'cut both directions mid-exec',
  mustHold: 'stale ≤ 15 s, dead ≤ 40 s, result unknown, offset resume has 0 lost or duplicated bytes',
  injected: dropped,
  atOnce: 7,
  run: (given) => cutAndResume(given, 'both', { by: wayOf(given), isAtRealClocks: true }),
}

export const n2: FaultRow = {
  id: 'N2',
  fault: 'half-open: the server is gone, no RST',
  mustHold: 'as N1; no leaked socket or callback',
  injected: () =>
    whyNoNetBoxes() === null ? 'DROP of all that the box sends, in a network namespace' : 'proxy that passes nothing',
  run: async (given) => {
    await everyCall(given)
    if (given.pace === 'pick') return
    await given.rig.end()
    await cutAndResume(given, 'replies')
  },
}

/** Callbacks that never come, and sockets that stay: of every kind of call at once. */
async function everyCall(given: FaultCase): Promise<void> {
  const { rig } = given
  const before = openSockets()
  const box = await rig.box()
  const { host } = rig.host(box, { timing: timingOf(factorOf({ pace: given.pace, isAtRealClocks: false })) })
  await host.connect()
  const sftp = await host.sftp()
  sftp.on('error', () => {})
  const forwarded = host.spawn(['cat'], { onStdout: () => {}, onStderr: () => {} })
  const process = await forwarded
  await host.script('true', [], { isRepeated: true })
  box.cut('replies')
  const calls: Promise<unknown>[] = [
    process.ending.then((ending) => assert.equal(ending.kind, 'unknown')),
    host.exec(['true'], { timeoutSeconds: 600 }).then((ran) => assert.equal(ran.ending.kind, 'unknown')),
    host.script('true', [], { isRepeated: true, timeoutSeconds: 600 }).then((ran) => {
      assert.equal(ran.ending.kind, 'unknown')
    }),
    host.read('/etc/hostname', 0, 10).then(
      () => assert.fail('nothing can have been read'),
      () => {},
    ),
  ]
  const first = await Promise.race([Promise.all(calls), sleep(60_000, 'hangs')])
  assert.notEqual(first, 'hangs', 'every call ends')
  box.heal()
  assert.equal(text((await host.exec(['echo', 'back'])).stdout), 'back\n')
  await host.close()
  if (given.pace !== 'pick')
    await waitUntil(() => openSockets() <= before + (box.proxy === null ? 0 : 1), {
      what: 'no leaked socket',
      describe: () => `${openSockets()} open, ${before} before`,
    })
}
