import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { BoxHandle, BoxStatus, Engine } from '../../src/engine/types.ts'
import { type Box, type BoxOptions, exited, makeBox, readText, until } from './tools/box.ts'

/**
 * A real systemd, started by the test in namespaces and cgroups of its own. It needs root, unshare(1) and a kernel that lets
 * cgroups be divided, which machines that tests run on mostly do not give: asked for by KX_SYSTEMD=1, and then it must work.
 */
const isAsked = process.env.KX_SYSTEMD === '1'
const program = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find((path) => existsSync(path))
const group = `kx-test-${process.pid}`

let outer: ChildProcess | null = null
let first = 0
let said = ''
const boxes: Box[] = []

function inside(argv: readonly string[]) {
  const into = ['-t', String(first), '-m', '-p', '-C', '--', ...argv]
  const ran = spawnSync('nsenter', into, { encoding: 'utf8', timeout: 60_000 })
  return { status: ran.status, signal: ran.signal, text: `${ran.stdout}${ran.stderr}`.trim() }
}

function act<T>(made: Box, asked: Record<string, unknown>): T {
  const answer = join(dirname(made.folder), 'answer.json')
  rmSync(answer, { force: true })
  const ran = inside([
    process.execPath,
    join(import.meta.dirname, 'tools/in-box.ts'),
    JSON.stringify({ request: made.request, ...asked }),
    answer,
  ])
  if (!existsSync(answer)) throw new Error(`${String(asked.act)}: ${ran.text}`)
  return JSON.parse(readFileSync(answer, 'utf8')) as T
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const cgroups = () =>
  execFileSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*/${group}*`], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '')
const scopes = () => cgroups().filter((path) => path.endsWith('.scope') && !path.endsWith('init.scope'))
const processes = () => inside(['sh', '-c', 'cd /proc && echo [0-9]*']).text.split(' ').length

describe.runIf(isAsked)('under systemd', () => {
  beforeAll(async () => {
    if (program === undefined || process.getuid?.() !== 0) throw new Error('KX_SYSTEMD=1 needs root and systemd')
    const script = join(import.meta.dirname, 'tools/systemd.sh')
    outer = spawn('sh', [script, group, program], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [outer.stdout, outer.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    first = await until(() => {
      if (outer?.exitCode !== null) throw new Error(`no systemd: ${said}`)
      // Before it becomes unshare the script has other children.
      const pid = readOr(`/proc/${outer.pid}/task/${outer.pid}/children`).trim().split(' ')[0]
      return readOr(`/proc/${pid}/comm`) === 'systemd\n' && Number(pid)
    })
    await until(() => inside(['systemctl', 'is-system-running']).text === 'running')
  })
  afterEach(() => {
    for (const made of boxes.splice(0)) rmSync(dirname(dirname(made.folder)), { recursive: true, force: true })
  })
  afterAll(async () => {
    if (outer === null) return
    if (first > 1) process.kill(first, 'SIGKILL')
    else outer.kill('SIGKILL')
    await exited(outer)
    for (const path of cgroups()) rmdirSync(path)
    expect(cgroups()).toEqual([])
  })
  function launch(options: BoxOptions): { made: Box; handle: BoxHandle } {
    const made = makeBox({ ...options, token: `kx-run-1-launch-${boxes.length + 1}` })
    boxes.push(made)
    // The process that starts it ends by SIGKILL, and everything below it is somebody else's from then on.
    const request = { ...made.request, detach: ['systemd', 'setsid'] }
    const handle = act<BoxHandle>(made, { act: 'submit', request })
    return { made, handle }
  }

  it('outlives its starter in a scope of its own, and cancel leaves nothing of it', async () => {
    const before = processes()
    const script = `
setsid sh -c 'exec sleep 600' </dev/null >/dev/null 2>&1 &
env >"$KX_UNIT_DIR/env"; cat /proc/self/cgroup >"$KX_UNIT_DIR/cgroup"
trap 'echo saved >"$KX_UNIT_DIR/saved"; exit 143' TERM
step=0
while :; do step=$((step + 1)); echo "{\\"step\\":$step,\\"time\\":1}" >>"$KX_UNIT_DIR/metrics.jsonl"; sleep 0.1 & wait $!; done`
    const { made, handle } = launch({ files: { 'unit.sh': script }, units: 1, workers: 1 })
    expect(handle).toMatchObject({ detach: 'systemd', label: `${made.request.token}.scope` })
    expect(act<Awaited<ReturnType<Engine['find']>>>(made, { act: 'find' })).toEqual({ kind: 'one', handle })
    const steps = () => (readText(made, 'units/value-1/metrics.jsonl') ?? '').split('\n').length
    const then = await until(() => steps() > 2 && steps())
    await until(() => steps() > then + 3)
    expect(act<BoxStatus>(made, { act: 'status', handle })).toMatchObject({ state: 'running', runnerAlive: true })
    expect(inside(['systemctl', 'is-active', handle.label]).text).toBe('active')
    expect(readText(made, 'units/value-1/cgroup')).toContain(`/system.slice/${handle.label}`)
    const env = readText(made, 'units/value-1/env')?.split('\n')
    expect(env).toEqual(expect.arrayContaining(['MODE=plain', 'KX_UNIT=value-1', `KX_RUN_DIR=${made.folder}`]))
    expect(env?.some((line) => line.startsWith('PATH=/'))).toBe(true)

    expect(act(made, { act: 'cancel', handle })).toEqual({ kind: 'exited', code: 14 })
    expect(readText(made, 'units/value-1/saved')).toBe('saved\n')
    await until(() => inside(['systemctl', 'is-active', handle.label]).text === 'inactive')
    await until(() => processes() === before)
    expect(scopes()).toEqual([])
  })

  it('ends what a runner that was killed has left in its scope', async () => {
    const before = processes()
    const script = `setsid sleep 600 & trap '' TERM; while :; do sleep 0.1; done`
    const { made, handle } = launch({ files: { 'unit.sh': script }, units: 2, workers: 2 })
    await until(() => readText(made, 'units/value-2/pid'))
    inside(['kill', '-KILL', String(handle.process.pid)])
    expect(act(made, { act: 'cancel', handle })).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    await until(() => processes() === before)
    expect(scopes()).toEqual([])
  })

  it('leaves no scope when the run ends by itself', async () => {
    const before = processes()
    const { made, handle } = launch({ units: 2 })
    const last = await until(() => {
      const seen = act<BoxStatus>(made, { act: 'status', handle })
      return seen.runnerAlive === false && seen
    })
    expect(last).toMatchObject({ state: 'done', exit: { reason: 'completed', done: 2 } })
    await until(() => inside(['systemctl', 'is-active', handle.label]).text === 'inactive')
    expect(processes()).toBe(before)
    expect(scopes()).toEqual([])
  })
})
