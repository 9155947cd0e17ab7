import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost } from '../../../src/host/ssh/host.ts'
import type { SshHost } from '../../../src/host/ssh/types.ts'
import { processState } from '../../harness/proc.ts'
import { needsSshd, type Sshd, startSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { hopTo, quick, rig, text, trusting } from './support.ts'

const { skip } = needsSshd()

describe.skipIf(skip)('commands over ssh2', () => {
  const { sshd: start, host: hostOf } = rig()
  let sshd: Sshd
  let host: SshHost
  beforeAll(async () => {
    if (skip) return
    sshd = await startSshd()
    host = createSshHost({ name: 'box', hops: [hopTo(sshd)], verify: trusting(sshd), timing: quick })
  })
  afterAll(async () => {
    await host?.close()
    await sshd?.stop()
  })
  const sh = (script: string, more = {}) => host.exec(['sh', '-c', script], more)

  it('gives output, code and signal, each as it was', async () => {
    const ran = await sh('echo out; echo err >&2; exit 3')
    expect([ran.ending, text(ran.stdout), text(ran.stderr), ran.timedOut]).toEqual([
      { kind: 'exited', code: 3 },
      'out\n',
      'err\n',
      false,
    ])
    expect((await sh('exit 255')).ending).toEqual({ kind: 'exited', code: 255 })
    expect((await sh('kill -KILL $$')).ending).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    expect((await sh('kill -TERM $$')).ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
  })

  it('says as a shell would that a program or folder is not there', async () => {
    const missing = await host.exec(['no-such-program'])
    expect(missing.ending).toEqual({ kind: 'exited', code: 127 })
    expect(text(missing.stderr)).toContain('no-such-program')
    const folder = await host.exec(['pwd'], { cwd: '/no/such/folder' })
    expect([folder.ending, text(folder.stderr)]).toEqual([
      { kind: 'exited', code: 127 },
      'kx: working folder is not there: /no/such/folder\n',
    ])
    await expect(host.exec([])).rejects.toThrow(/argument vector is empty/)
  })

  it('hands over folder, environment and input', async () => {
    const ran = await host.exec(['sh', '-c', 'pwd; printf %s "$KX_A"; cat'], {
      cwd: sshd.home,
      env: { KX_A: `it's "so"\n` },
      stdin: 'input\n',
    })
    expect(text(ran.stdout)).toBe(`${sshd.home}\nit's "so"\ninput\n`)
    // No input is an end of input, not a wait for it.
    expect(text((await host.exec(['cat'], { timeoutSeconds: 10 })).stdout)).toBe('')
  })

  it('passes any bytes through, however many', async () => {
    const bytes = randomBytes(5_000_000)
    const ran = await host.exec(['cat'], { stdin: bytes, maxBytes: 6_000_000 })
    expect(Buffer.from(ran.stdout).equals(bytes)).toBe(true)
  })

  it('takes 20 MB on both streams and keeps what was asked for (T8)', async () => {
    const ran = await sh('head -c 20000000 /dev/zero & head -c 20000000 /dev/zero >&2; wait', { maxBytes: 1000 })
    expect([ran.ending, ran.stdoutBytes, ran.stderrBytes]).toEqual([{ kind: 'exited', code: 0 }, 20e6, 20e6])
    expect([ran.stdout.byteLength, ran.stderr.byteLength]).toEqual([1000, 1000])
  })

  it('is not held up by what a command leaves running, and loses nothing before that', async () => {
    const ran = await sh('head -c 3000000 /dev/zero; sleep 600 & echo $!', { timeoutSeconds: 60, maxBytes: 4e6 })
    expect([ran.ending, ran.stdoutBytes > 3_000_000]).toEqual([{ kind: 'exited', code: 0 }, true])
    const pid = Number(text(ran.stdout.subarray(3_000_000)))
    expect(existsSync(`/proc/${pid}`)).toBe(true)
  })

  it('ends the whole group at the deadline, through another channel (T12)', async () => {
    const ran = await sh(`sleep 600 & echo $! > ${join(sshd.folder, 'child')}; wait`, { timeoutSeconds: 1 })
    expect([ran.ending, ran.timedOut]).toEqual([{ kind: 'signalled', signal: 'SIGTERM' }, true])
    const child = Number(readFileSync(join(sshd.folder, 'child'), 'utf8'))
    expect([null, 'Z']).toContain(processState(child))
  })

  it('ends what does not hear TERM, when the caller gives up', async () => {
    const giveUp = new AbortController()
    const ran = host.exec(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 1; done'], {
      signal: giveUp.signal,
      onStdout: () => giveUp.abort(),
    })
    expect(await ran).toMatchObject({ ending: { kind: 'signalled', signal: 'SIGKILL' }, timedOut: false })
  })

  it('survives a listener that throws (T9)', async () => {
    const thrown = sh('echo x', {
      onStdout: () => {
        throw new Error('mine')
      },
    })
    await expect(thrown).rejects.toThrow('mine')
    expect((await sh('exit 4')).ending).toEqual({ kind: 'exited', code: 4 })
  })

  it('queues more than there are channels, and kills while all are taken (T11)', async () => {
    const few = await start({ maxSessions: 4 })
    const { host: crowded } = hostOf([hopTo(few)], trusting(few))
    const ran = await Promise.all(
      Array.from({ length: 12 }, (_, n) => crowded.exec(['sh', '-c', `sleep 0.05; exit ${n}`])),
    )
    expect(ran.map((each) => each.ending)).toEqual(ran.map((_, code) => ({ kind: 'exited', code })))
    const blocked = Array.from({ length: 8 }, () => crowded.exec(['sleep', '600'], { timeoutSeconds: 2 }))
    for (const each of await Promise.all(blocked)) expect(each.timedOut).toBe(true)
    const left = await crowded.exec(['true'])
    expect(left.ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('works where the server takes one channel', async () => {
    const one = await start({ maxSessions: 1 })
    const { host: narrow } = hostOf([hopTo(one)], trusting(one))
    const ran = await Promise.all([1, 2, 3].map((n) => narrow.exec(['sh', '-c', `exit ${n}`])))
    expect(ran.map((each) => each.ending)).toEqual([1, 2, 3].map((code) => ({ kind: 'exited', code })))
    expect((await narrow.script('exit 5', [], { isRepeated: true })).ending).toEqual({ kind: 'exited', code: 5 })
  })

  it('ends what is late where the server takes one channel, over a connection of its own', async () => {
    const one = await start({ maxSessions: 1 })
    const { host: narrow } = hostOf([hopTo(one)], trusting(one))
    const file = join(one.folder, 'pid')
    const late = await narrow.exec(['sh', '-c', 'echo $$ >"$0"; exec sleep 600', file], { timeoutSeconds: 1 })
    expect([late.timedOut, late.ending]).toEqual([true, { kind: 'signalled', signal: 'SIGTERM' }])
    const pid = Number(readFileSync(file, 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
    // What waits for its turn meanwhile is asked to wait no longer than it must, and a second late one goes the same way.
    const [again, next] = await Promise.all([
      narrow.exec(['sleep', '600'], { timeoutSeconds: 1 }),
      narrow.exec(['true'], { timeoutSeconds: 60 }),
    ])
    expect(again.ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    expect(next.ending).toEqual({ kind: 'exited', code: 0 })
    await waitUntil(() => one.connectionPids().length === 1, { what: 'the connection of the kill to be gone' })
  })

  it('says what the server said when the account runs no shell', async () => {
    const closed = await start({ forceCommand: 'echo This account is closed; exit 1' })
    const { host: none, told } = hostOf([hopTo(closed)], trusting(closed))
    const ran = await none.exec(['true'], { timeoutSeconds: 30 })
    expect(ran.ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('This account is closed') })
    expect(told.at(-1)).toMatchObject({ state: 'paused', problem: 'shell' })
  })

  it('runs scripts alike in a shell of their own and in a kept one', async () => {
    const source = 'set -u; printf "%s|" "$#" "$@"; cat; echo err >&2; exit 7'
    const args = ["it's", '$(id)', '', '`x`', 'a\nb', '--', '-n', 'ü']
    for (const isRepeated of [false, true]) {
      const ran = await host.script(source, args, { isRepeated })
      expect([ran.ending, text(ran.stdout), text(ran.stderr)]).toEqual([
        { kind: 'exited', code: 7 },
        `8|${args.map((each) => `${each}|`).join('')}`,
        'err\n',
      ])
    }
    const parent = async () => text((await host.script('echo $PPID', [], { isRepeated: true })).stdout)
    expect(await parent()).toBe(await parent())
    const both = await Promise.all(
      Array.from({ length: 6 }, (_, n) => host.script(`exit ${n}`, [], { isRepeated: true })),
    )
    expect(both.map((each) => each.ending)).toEqual(both.map((_, code) => ({ kind: 'exited', code })))
    const late = await host.script('sleep 600', [], { isRepeated: true, timeoutSeconds: 1 })
    expect([late.ending.kind, late.timedOut]).toEqual(['unknown', true])
    expect((await host.script('exit 6', [], { isRepeated: true })).ending).toEqual({ kind: 'exited', code: 6 })
  })

  it('lets a caller hold streams, keep pressure, and kill by identity', async () => {
    let got = 0
    const running = await host.spawn(['sh', '-c', 'echo $$; exec cat /dev/zero'], {
      onStdout: (chunk) => {
        got += chunk.byteLength
      },
      onStderr: () => {},
    })
    await waitUntil(() => got > 4_000_000, { what: 'bytes to come' })
    running.pause()
    const { identity } = running
    if (identity === null) throw new Error('no identity')
    expect(await host.isAlive(identity)).toBe(true)
    expect(await host.kill(identity, 5)).toBe('gone')
    running.resume()
    expect(await running.ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    expect(await host.isAlive(identity)).toBe(false)
    const cat = await host.spawn(['cat'], { onStdout: (c) => parts.push(text(c)), onStderr: () => {} })
    const parts: string[] = []
    cat.write('one ')
    cat.write('two')
    cat.endInput()
    expect([await cat.ending, parts.join('')]).toEqual([{ kind: 'exited', code: 0 }, 'one two'])
  })

  it('writes, reads, hashes and lists files, small over control and large over bulk', async () => {
    const path = join(sshd.folder, 'box', 'large')
    const bytes = randomBytes(3_000_000)
    await host.write(path, bytes)
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(Buffer.from((await host.read(path, 1_000_000, 2_500_000)) ?? []).equals(bytes.subarray(1_000_000))).toBe(
      true,
    )
    expect(await host.sha256(path)).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect((await host.list(join(sshd.folder, 'box')))?.map((each) => each.bytes)).toEqual([3_000_000])
    expect(await host.stat(`${path}-not`)).toBe(null)
    expect(await host.identity()).toMatchObject({ host: 'box', user: String(process.getuid?.()) })
  })

  it('opens SFTP over the bulk connection', async () => {
    const sftp = await host.sftp()
    const size = await new Promise<number>((resolve, reject) =>
      sftp.stat(sshd.clientKey.path, (error, stat) => (error ? reject(error) : resolve(stat.size))),
    )
    expect(size).toBe(readFileSync(sshd.clientKey.path).byteLength)
    sftp.end()
  })

  it('refuses work once it is closed', async () => {
    const { host: other } = hostOf([hopTo(sshd)], trusting(sshd))
    const running = other.exec(['sleep', '600'])
    await other.exec(['true'])
    await other.close()
    expect((await running).ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    await expect(other.exec(['true'])).rejects.toThrow(/is closed/)
  })
})
