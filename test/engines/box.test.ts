import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import type { BoxHandle, BoxStatus } from '../../src/engine/types.ts'
import { createLocalHost } from '../../src/host/local.ts'
import {
  type Box,
  type BoxOptions,
  hasProgram,
  makeBox,
  names,
  processesOf,
  readJson,
  readText,
  unitExit,
  until,
} from './tools/box.ts'

const host = createLocalHost()
const boxes: Box[] = []
function box(options?: BoxOptions): Box {
  const made = makeBox(options)
  boxes.push(made)
  return made
}
afterEach(async () => {
  for (const made of boxes.splice(0)) {
    for (const pid of processesOf(made)) process.kill(pid, 'SIGKILL')
    rmSync(dirname(dirname(made.folder)), { recursive: true, force: true })
  }
})
const look = (made: Box, handle: BoxHandle) => boxEngine.status(host, handle, made.request.units)
async function lookUntil(made: Box, handle: BoxHandle, what: (s: BoxStatus) => boolean): Promise<BoxStatus> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const status = await look(made, handle)
    if (what(status)) return status
    if (performance.now() > deadline) throw new Error(`waited in vain; last: ${JSON.stringify(status)}`)
  }
}
const ended = (s: BoxStatus) => s.runnerAlive === false

describe('box engine', () => {
  it('launches, is found by its token, shows every unit, and ends', async () => {
    const made = box({ steps: 4, stepSeconds: 0.05 })
    expect(await boxEngine.find(host, made.folder, made.request.token)).toEqual({ kind: 'none' })
    const handle = await boxEngine.submit(host, made.request)
    expect(handle).toMatchObject({ detach: 'setsid', token: made.request.token, folder: made.folder })
    expect(handle.runner).toMatch(/^runner-[0-9a-f]{12}\.sh$/)
    expect(await host.isAlive(handle.process)).toBe(true)
    expect(await boxEngine.find(host, made.folder, made.request.token)).toEqual({ kind: 'one', handle })
    expect(await boxEngine.find(host, made.folder, 'kx-run-1-launch-2')).toMatchObject({ kind: 'unknown' })

    const live = await lookUntil(made, handle, (s) => s.units.some((u) => u.state === 'running' && (u.step ?? 0) >= 1))
    expect(live).toMatchObject({ state: 'running', runnerAlive: true, bootIdMatches: true, exit: null })
    expect(live.units.map((u) => u.index)).toEqual([0, 1, 2, 3, 4, 5])
    const running = live.units.find((u) => u.state === 'running' && u.step !== null)
    expect(running?.metrics).toEqual({ loss: 0.5 })
    expect(running?.startedAtMs).toBeGreaterThan(1e12)
    expect(live.heartbeatAgeSeconds).toBeLessThan(60)

    const last = await lookUntil(made, handle, ended)
    expect(last).toMatchObject({ state: 'done', exit: { code: 0, reason: 'completed', done: 6, failed: 0 } })
    expect(last.units.every((u) => u.state === 'done' && u.exitCode === 0 && u.metrics.acc === 0.9)).toBe(true)
    expect(last.units.every((u) => u.seconds !== null && u.worker !== null && u.attempt === 1)).toBe(true)
    expect(last.checkpoint?.completed).toHaveLength(6)
    expect(last.newestArtifactMs).toBeGreaterThan(1e12)

    const log = await boxEngine.log(host, handle, 'value-3', 8, 6)
    expect(new TextDecoder().decode(log.bytes ?? new Uint8Array())).toBe('starts')
    expect(log.size).toBeGreaterThan(14)
    expect(await boxEngine.log(host, handle, '../../plan.env', 0, 10)).toEqual({ bytes: null, size: null })
    expect(await boxEngine.log(host, handle, 'value-9', 0, 10)).toEqual({ bytes: null, size: null })
    // The same token finds the finished run again; the folder holds nothing that others may read.
    expect(await boxEngine.find(host, made.folder, made.request.token)).toEqual({ kind: 'one', handle })
  })

  it('outlives the process that started it', async () => {
    const made = box({ steps: 5, stepSeconds: 0.1 })
    const starter = join(dirname(made.folder), '..', 'starter.ts')
    const source = (path: string) => join(import.meta.dirname, '../../src', path)
    writeFileSync(
      starter,
      `import { boxEngine } from ${JSON.stringify(source('engine/box/engine.ts'))}
       import { createLocalHost } from ${JSON.stringify(source('host/local.ts'))}
       await boxEngine.submit(createLocalHost(), JSON.parse(process.argv[2]))
       process.kill(process.pid, 'SIGKILL')`,
    )
    await expect(promisify(execFile)(process.execPath, [starter, JSON.stringify(made.request)])).rejects.toMatchObject({
      signal: 'SIGKILL',
    })
    const found = await boxEngine.find(host, made.folder, made.request.token)
    if (found.kind !== 'one') throw new Error(`not found: ${JSON.stringify(found)}`)
    expect(await look(made, found.handle)).toMatchObject({ runnerAlive: true, exit: null })
    expect((await lookUntil(made, found.handle, ended)).exit).toMatchObject({ reason: 'completed', done: 6 })
  })

  it.runIf(hasProgram('tmux'))('runs in a tmux server of its own, out of reach of others', async () => {
    const made = box({ steps: 100, stepSeconds: 0.1, token: `kx-t${process.pid}-launch-1` })
    const handle = await boxEngine.submit(host, { ...made.request, detach: ['systemd', 'tmux', 'setsid'] })
    try {
      if (handle.detach === 'systemd') return
      expect(handle).toMatchObject({ detach: 'tmux', label: made.request.token })
      expect(await boxEngine.find(host, made.folder, handle.token)).toEqual({ kind: 'one', handle })
    } finally {
      expect(await boxEngine.cancel(host, handle, 'test over', 3)).toEqual({ kind: 'exited', code: 14 })
    }
    expect(processesOf(made)).toEqual([])
    const socket = join(process.env.TMUX_TMPDIR ?? '/tmp', `tmux-${process.getuid?.()}`, handle.label)
    await until(() => !existsSync(socket))
  })

  it('stops on request: units save, the exit file says why, nothing is left', async () => {
    const made = box({ steps: 400, stepSeconds: 0.05 })
    const handle = await boxEngine.submit(host, made.request)
    await lookUntil(made, handle, (s) => s.units.filter((u) => (u.step ?? 0) > 1).length === 2)
    expect(await boxEngine.cancel(host, handle, 'enough\nfor\x1b[31m today', 3)).toEqual({ kind: 'exited', code: 14 })
    const status = await look(made, handle)
    expect(status).toMatchObject({ state: 'cancelled', exit: { reason: 'stopped', aborted: 2 } })
    expect(status.units.slice(0, 3).map((u) => u.state)).toEqual(['aborted', 'aborted', 'queued'])
    expect(readText(made, 'stop')).toBe('enough for [31m today\n')
    expect(processesOf(made)).toEqual([])
    // Cancelled is cancelled: asking again changes nothing.
    expect(await boxEngine.cancel(host, handle, 'again', 3)).toEqual({ kind: 'exited', code: 14 })
  })

  it('wakes a runner and a unit that were stopped, so that both end in order', async () => {
    const made = box({ steps: 400, stepSeconds: 0.05 })
    const handle = await boxEngine.submit(host, made.request)
    await lookUntil(made, handle, (s) => s.units.filter((u) => (u.step ?? 0) > 0).length === 2)
    const unit = Number(readText(made, 'units/value-1/pid')?.split(' ')[0])
    process.kill(-unit, 'SIGSTOP')
    process.kill(handle.process.pid, 'SIGSTOP')
    expect(await boxEngine.cancel(host, handle, 'no answer', 3)).toEqual({ kind: 'exited', code: 14 })
    expect(unitExit(made, 'value-1')).toMatchObject({ code: '143', state: 'aborted' })
    expect(processesOf(made)).toEqual([])
  })

  /** A process of ours in the place of a runner: takes no notice of TERM or of the file `stop`. */
  async function deafRunner(made: Box, hasOwnGroup: boolean) {
    const child = spawn('sh', ['-c', "trap '' TERM; sleep 600 & echo $!; while :; do sleep 0.1; done"], {
      detached: hasOwnGroup,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const ticks = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const id = child.pid ?? 0
    const write = (start = ticks(id)) =>
      writeFileSync(join(made.folder, 'runner.pid'), `${id} ${start} ${boot} by-hand\n`)
    return { child, sleeper: Number(line.toString()), write }
  }

  it('ends a runner that it did not start and that takes no notice, with its group', async () => {
    const made = box({ steps: 2, units: 1 })
    const handle = await boxEngine.submit(host, made.request)
    await lookUntil(made, handle, ended)
    rmSync(join(made.folder, 'exit.json'))
    const deaf = await deafRunner(made, true)
    deaf.write()
    process.kill(deaf.sleeper, 'SIGSTOP')
    expect(await boxEngine.cancel(host, handle, 'by hand', 1)).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    await until(() => deaf.child.signalCode === 'SIGKILL')
    await until(
      () => !existsSync(`/proc/${deaf.sleeper}`) || /\) Z/.test(readFileSync(`/proc/${deaf.sleeper}/stat`, 'utf8')),
    )
  })

  it('ends a runner alone that shares the group of others, and nobody whose start time is another', async () => {
    const made = box({ steps: 2, units: 1 })
    const handle = await boxEngine.submit(host, made.request)
    await lookUntil(made, handle, ended)
    rmSync(join(made.folder, 'exit.json'))
    const other = await deafRunner(made, true)
    const deaf = await deafRunner(made, false)
    try {
      other.write('1')
      expect(await boxEngine.cancel(host, handle, 'another', 1)).toMatchObject({ kind: 'signalled' })
      expect(other.child.exitCode ?? other.child.signalCode).toBeNull()
      // It is of the group of this test, which goes on.
      deaf.write()
      expect(await boxEngine.cancel(host, handle, 'by hand', 1)).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
      await until(() => deaf.child.signalCode === 'SIGKILL')
    } finally {
      process.kill(deaf.sleeper, 'SIGKILL')
      process.kill(-(other.child.pid ?? 0), 'SIGKILL')
    }
  })

  it('shows steps, metrics and results of a script that writes only a log', async () => {
    const script = `for s in 1 2 3 4 5 6; do echo "step=$s loss=0.$s"; sleep $STEP_SECONDS; done; echo acc=0.75`
    const made = box({
      files: { 'unit.sh': script },
      units: 2,
      stepSeconds: 0.4,
      plan: { logPattern: '{name}={value}' },
    })
    const handle = await boxEngine.submit(host, made.request)
    const live = await lookUntil(made, handle, (s) => s.units.some((u) => u.state === 'running' && (u.step ?? 0) >= 2))
    const running = live.units.find((u) => u.state === 'running' && (u.step ?? 0) >= 2)
    expect(running?.metrics).toEqual({ loss: (running?.step ?? 0) / 10 })
    const last = await lookUntil(made, handle, ended)
    expect(last).toMatchObject({ state: 'done', exit: { reason: 'completed', done: 2 } })
    expect(last.units.map((u) => u.metrics)).toEqual(Array(2).fill({ loss: 0.6, acc: 0.75, nan_count: 0 }))
  })

  it('goes on under a new token after the runner died, and runs nothing twice', async () => {
    const made = box({ steps: 6, stepSeconds: 0.05 })
    const first = await boxEngine.submit(host, made.request)
    await until(() => names(made, 'done').length >= 2)
    process.kill(first.process.pid, 'SIGKILL')
    await lookUntil(made, first, ended)
    const finished = names(made, 'done').map((entry) => entry.slice(7))
    const second = await boxEngine.submit(host, { ...made.request, token: 'kx-run-1-launch-2' })
    expect(second.process).not.toEqual(first.process)
    const last = await lookUntil(made, second, ended)
    expect(last.exit).toMatchObject({ reason: 'completed', done: 6 })
    for (const unit of finished) expect(last.units.find((u) => u.unit === unit)?.attempt).toBe(1)
    // The old handle is no longer who runs here.
    expect(await boxEngine.find(host, made.folder, first.token)).toEqual({ kind: 'none' })
  })

  it('does not start a second runner beside a live one, and never edits code under a run', async () => {
    const made = box({ steps: 400, stepSeconds: 0.05 })
    const handle = await boxEngine.submit(host, made.request)
    writeFileSync(join(made.project, 'unit.sh'), 'exit 0\n')
    const edited = { path: 'unit.sh', bytes: 7, mode: 0o644, sha256: 'f'.repeat(64) }
    await expect(boxEngine.submit(host, { ...made.request, code: [edited] })).rejects.toThrow(/begin a new run/)
    expect(await look(made, handle)).toMatchObject({ runnerAlive: true, exit: null })
    await boxEngine.cancel(host, handle, 'test over', 3)
  })

  it('refuses to push what is not what was digested', async () => {
    const changed = box()
    appendFileSync(join(changed.project, 'unit.sh'), '# edited\n')
    await expect(boxEngine.submit(host, changed.request)).rejects.toMatchObject({ outcome: 'nothing-started' })
    expect(existsSync(join(changed.folder, 'plan.env'))).toBe(false)

    const data = box({
      files: { 'data.csv': 'a,b\n' },
      plan: { data: [{ path: 'data.csv', sha256: '0'.repeat(64) }] },
    })
    const withoutData = data.request.code.filter((f) => f.path !== 'data.csv')
    await expect(boxEngine.submit(host, { ...data.request, code: withoutData })).rejects.toThrow(
      /SHA-256 that the plan/,
    )
    expect(readJson(data, 'exit.json')).toBeNull()
  })

  it('says unknown, and never gone, when the host does not answer or the folder is not there', async () => {
    const made = box()
    const handle: BoxHandle = {
      token: made.request.token,
      folder: made.folder,
      runner: 'runner-000000000000.sh',
      detach: 'setsid',
      label: '',
      process: { pid: 1, startTicks: 1, bootId: 'x' },
    }
    const missing = await look(made, handle)
    expect(missing).toMatchObject({ state: 'unknown', runnerAlive: false, exit: null })
    expect(missing.units.every((u) => u.state === 'unknown')).toBe(true)
    const closed = createLocalHost()
    await closed.close()
    const silent = await boxEngine.status(closed, handle, made.request.units)
    expect(silent).toMatchObject({ state: 'unreachable', runnerAlive: null, exit: null, heartbeatAgeSeconds: null })
    expect(await boxEngine.find(closed, made.folder, made.request.token)).toMatchObject({ kind: 'unknown' })
    expect(await boxEngine.cancel(closed, handle, 'x', 1)).toMatchObject({ kind: 'unknown' })
  })
})
