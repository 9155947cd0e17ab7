import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/host/local.ts'
import { groupMembers, localProcessIdentity, until } from '../../src/host/local-process.ts'

const host = createLocalHost()
const folder = mkdtempSync(join(tmpdir(), 'kx-exec-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const appears = (path: string) => until(async () => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'), 10)
const numberIn = (path: string) => Number(readFileSync(path, 'utf8').trim())

describe('exec', () => {
  it('passes arguments untouched and keeps both streams apart', async () => {
    const hostile = [`a b`, `$(touch ${folder}/pwned)`, `';"`, '--', '*', 'ü\n']
    const ran = await host.exec(['printf', '%s|', ...hostile])
    expect(ran.ending).toEqual({ kind: 'exited', code: 0 })
    expect(text(ran.stdout)).toBe(`${hostile.join('|')}|`)
    expect(existsSync(join(folder, 'pwned'))).toBe(false)
    const both = await host.exec(['sh', '-c', 'echo out; echo err >&2; exit 7'])
    expect([both.ending, text(both.stdout), text(both.stderr)]).toEqual([{ kind: 'exited', code: 7 }, 'out\n', 'err\n'])
  })

  it('hands over standard input, working folder and environment', async () => {
    const ran = await host.exec(['sh', '-c', 'cat; pwd; printf %s "$KX_TEST"'], {
      stdin: 'in\n',
      cwd: folder,
      env: { KX_TEST: 'yes' },
    })
    expect(text(ran.stdout)).toBe(`in\n${folder}\nyes`)
    const ignored = await host.exec(['true'], { stdin: 'x'.repeat(1_000_000) })
    expect(ignored.ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('says how it ended: signal, no such program, not executable, no such folder', async () => {
    expect((await host.exec(['sh', '-c', 'kill -9 $$'])).ending).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    const missing = await host.exec(['kx-no-such-program'])
    expect(missing.ending).toEqual({ kind: 'exited', code: 127 })
    expect(text(missing.stderr)).toContain('no such program')
    writeFileSync(join(folder, 'plain'), 'x', { mode: 0o600 })
    expect((await host.exec([join(folder, 'plain')])).ending).toEqual({ kind: 'exited', code: 126 })
    const nowhere = await host.exec(['true'], { cwd: join(folder, 'nowhere') })
    expect(nowhere.ending).toEqual({ kind: 'exited', code: 127 })
    expect(text(nowhere.stderr)).toContain('working folder')
    await expect(host.exec([])).rejects.toThrow(/argument vector is empty/)
  })

  it('ends the whole group at the deadline, also those that ignore TERM', async () => {
    const pids = join(folder, 'pids')
    const ran = await host.exec(
      ['sh', '-c', `trap '' TERM; (trap '' TERM; echo $$; sleep 300) & echo "$$ $!" > ${pids}; wait; sleep 300`],
      { timeoutSeconds: 1 },
    )
    expect(ran.timedOut).toBe(true)
    expect(ran.ending).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    const group = Number(readFileSync(pids, 'utf8').split(' ')[0])
    expect(group).toBeGreaterThan(1)
    expect(await groupMembers(group)).toEqual([])
  })

  it('ends the group when the leader obeys TERM but a grandchild does not', async () => {
    const ready = join(folder, 'obeys')
    const abort = new AbortController()
    const running = host.exec(
      ['sh', '-c', `sh -c 'trap "" TERM; echo $PPID > ${ready}; while :; do sleep 1; done' & wait`],
      { signal: abort.signal },
    )
    expect(await appears(ready)).toBe(true)
    const group = numberIn(ready)
    abort.abort()
    const ran = await running
    expect(ran.timedOut).toBe(false)
    expect(ran.ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    expect(await groupMembers(group)).toEqual([])
  })

  it('does nothing when it was given up before it began', async () => {
    const ran = await host.exec(['touch', join(folder, 'never')], { signal: AbortSignal.abort() })
    expect(ran.ending.kind).toBe('unknown')
    expect(existsSync(join(folder, 'never'))).toBe(false)
  })

  it('returns when the program ends, though something it left behind holds its output', async () => {
    const pidFile = join(folder, 'left')
    const ran = await host.exec(['sh', '-c', `sleep 300 & echo $! > ${pidFile}; echo done`], { timeoutSeconds: 20 })
    expect([ran.ending, ran.timedOut, text(ran.stdout)]).toEqual([{ kind: 'exited', code: 0 }, false, 'done\n'])
    const pid = numberIn(pidFile)
    expect(await localProcessIdentity(pid)).not.toBeNull()
    process.kill(pid, 'SIGKILL')
  })

  it('keeps memory bounded under a flood of 100 MB and counts what it dropped', async () => {
    const flood = 100 * 1000 * 1000
    let seen = 0
    const before = process.memoryUsage().rss
    let highest = before
    const ran = await host.exec(['head', '-c', String(flood), '/dev/zero'], {
      maxBytes: 1000,
      timeoutSeconds: 60,
      onStdout: (chunk) => {
        seen += chunk.byteLength
        highest = Math.max(highest, process.memoryUsage().rss)
      },
    })
    expect([ran.ending, ran.stdoutBytes, seen, ran.stdout.byteLength]).toEqual([
      { kind: 'exited', code: 0 },
      flood,
      flood,
      1000,
    ])
    expect(highest - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('runs many at once without mixing them up', async () => {
    const ran = await Promise.all(Array.from({ length: 30 }, (_, n) => host.exec(['printf', '%s', String(n)])))
    expect(ran.map((one) => text(one.stdout))).toEqual(ran.map((_, n) => String(n)))
  })

  it('ends what still runs when the host is closed, and runs nothing afterwards', async () => {
    const other = createLocalHost({ name: 'other', env: { PATH: process.env.PATH ?? '' } })
    const ready = join(folder, 'closing')
    const running = other.exec(['sh', '-c', `echo $$ > ${ready}; sleep 300`])
    expect(await appears(ready)).toBe(true)
    await other.close()
    expect((await running).ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    await expect(other.exec(['true'])).rejects.toThrow(/is closed/)
  })
})

describe('script', () => {
  it('takes arguments by position and shields the script from its own commands', async () => {
    const ran = await host.script('cat\nprintf "%s|" "$@"\ncat\nexit 5', ['-x', 'a b', `$(id)`])
    expect([text(ran.stdout), ran.ending]).toEqual(['-x|a b|$(id)|', { kind: 'exited', code: 5 }])
  })

  it('runs nothing of a script that was cut', async () => {
    const { scriptInput } = await import('../../src/host/script.ts')
    const whole = scriptInput(`touch ${folder}/cut\ntrue`)
    const ran = await host.exec(['sh', '-s', '--'], { stdin: whole.slice(0, -3) })
    expect(ran.ending).not.toEqual({ kind: 'exited', code: 0 })
    expect(existsSync(join(folder, 'cut'))).toBe(false)
  })
})

// What holds for every host is in host-contract.ts.
describe('kill', () => {
  it('refuses kx itself and the first process', async () => {
    const me = await localProcessIdentity(process.pid)
    if (me === null) throw new Error('no identity of this process')
    expect(await host.kill(me, 0)).toBe('not-ours')
    expect(await host.kill({ ...me, pid: 1 }, 0)).toBe('not-ours')
    expect(await host.kill({ ...me, pid: 0 }, 0)).toBe('not-ours')
  })
})
