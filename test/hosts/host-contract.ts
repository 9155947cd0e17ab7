import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { groupMembers, localProcessIdentity, until } from '../../src/host/local-process.ts'
import type { Host, ProcessIdentity, TailPosition } from '../../src/host/types.ts'

export interface HostUnderTest {
  readonly host: Host
  /** Ends what the factory started, after the host itself is closed. */
  stop(): Promise<void>
}

export interface ContractOptions {
  /** A modification time comes with fractions of a second; busybox gives whole ones. Default true. */
  readonly hasFineTimes?: boolean
  /** Its commands are those of a host that is tried elsewhere: only files and processes are looked at here. */
  readonly isPartsOnly?: boolean
  /** Who runs is told on the other side of it, and not here. */
  readonly isDeaf?: boolean
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))
const isFull = process.env.KX_FULL === '1'
/** Everything that a file name or an argument can hold: no NUL, and no half of a surrogate pair, which is no text. */
const word = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }).map((s) => s.replaceAll('\0', '')),
    fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^:ab\u0001\u001b\u007f`), maxLength }),
    fc.constantFrom('', '-', '--', '-n', '-e', '\n', "'", '\\', '\\\\', '$(id)', '`id`', '!!', '~', 'a=b', '%s', '-rf'),
  )

/**
 * What every host keeps, whatever way leads to it. The host must see the file system and the processes of this machine,
 * so that each answer can be compared with what is really there.
 */
export function describeHost(name: string, open: () => Promise<HostUnderTest>, options: ContractOptions = {}): void {
  describe(`${name} as a host`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kx-contract-'))
    let under: HostUnderTest
    let host: Host
    beforeAll(async () => {
      under = await open()
      host = under.host
    })
    afterAll(async () => {
      await under?.host.close()
      await under?.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    const place = (label: string) => {
      const made = join(folder, `${label}-${randomBytes(4).toString('hex')}`)
      mkdirSync(made)
      return made
    }
    const appears = (path: string) =>
      until(async () => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'), 20)

    const withCommands = options.isPartsOnly === true ? () => {} : describe
    withCommands('exec', () => {
      it('hands every byte of 500 hostile arguments over', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(word(60), { minLength: 50, maxLength: 50 }), async (args) => {
            const ran = await host.exec(['printf', '%s\\0', ...args])
            expect(text(ran.stdout)).toBe(args.map((arg) => `${arg}\0`).join(''))
            expect([ran.ending, text(ran.stderr)]).toEqual([{ kind: 'exited', code: 0 }, ''])
          }),
          { numRuns: isFull ? 100 : 10 },
        )
      })

      it.skipIf(options.isDeaf === true)('tells which process group runs, as soon as that is known', async () => {
        const told: ProcessIdentity[] = []
        const ran = await host.exec(['sh', '-c', 'cut -d" " -f5 /proc/$$/stat; sleep 0.2'], {
          onBegun: (who) => told.push(who),
        })
        expect(told.map(({ pid }) => pid)).toEqual([Number(text(ran.stdout)?.trim())])
        expect(told[0]?.startTicks).toBeGreaterThan(0)
      })

      it('keeps streams apart and tells every exit code', async () => {
        const both = await host.exec(['sh', '-c', 'echo out; echo err >&2; exit 7'])
        expect([text(both.stdout), text(both.stderr), both.ending]).toEqual([
          'out\n',
          'err\n',
          { kind: 'exited', code: 7 },
        ])
        expect([both.stdoutBytes, both.stderrBytes, both.timedOut]).toEqual([4, 4, false])
        for (const code of [0, 1, 2, 126, 127, 137, 143, 254, 255])
          expect((await host.exec(['sh', '-c', `exit ${code}`])).ending).toEqual({ kind: 'exited', code })
      })

      it('tells a signal from a code', async () => {
        for (const signal of ['KILL', 'TERM', 'SEGV'])
          expect((await host.exec(['sh', '-c', `kill -${signal} $$`])).ending).toEqual({
            kind: 'signalled',
            signal: `SIG${signal}`,
          })
      })

      it('hands over standard input, working folder and environment', async () => {
        const inside = place("it's $HOME")
        const bytes = randomBytes(300_000)
        const ran = await host.exec(['sh', '-c', 'pwd; printf "%s|" "$KX_A" "$KX_B"; sha256sum'], {
          stdin: bytes,
          cwd: inside,
          env: { KX_A: `a'b\n$(id)`, KX_B: '' },
        })
        const digest = createHash('sha256').update(bytes).digest('hex')
        expect(text(ran.stdout)).toBe(`${inside}\na'b\n$(id)||${digest}  -\n`)
        const ignored = await host.exec(['true'], { stdin: 'x'.repeat(1_000_000) })
        expect(ignored.ending).toEqual({ kind: 'exited', code: 0 })
        expect(text((await host.exec(['cat'])).stdout)).toBe('')
      })

      it('gives back any bytes, as they come and at the end', async () => {
        const bytes = randomBytes(200_000)
        const path = join(place('bytes'), 'file')
        writeFileSync(path, bytes)
        const live: Uint8Array[] = []
        const ran = await host.exec(['sh', '-c', 'cat "$1"; cat "$1" >&2', 'sh', path], {
          onStdout: (chunk) => live.push(Uint8Array.from(chunk)),
        })
        expect(Buffer.from(ran.stdout).equals(bytes)).toBe(true)
        expect(Buffer.from(ran.stderr).equals(bytes)).toBe(true)
        expect(Buffer.concat(live).equals(bytes)).toBe(true)
      })

      it('says how it ended when there was nothing to run', async () => {
        expect((await host.exec(['kx-no-such-program'])).ending).toEqual({ kind: 'exited', code: 127 })
        const plain = join(place('plain'), 'file')
        writeFileSync(plain, 'x', { mode: 0o600 })
        expect((await host.exec([plain])).ending).toEqual({ kind: 'exited', code: 126 })
        const nowhere = await host.exec(['true'], { cwd: join(folder, 'nowhere') })
        expect(nowhere.ending).toEqual({ kind: 'exited', code: 127 })
        await expect(host.exec([])).rejects.toThrow(/argument vector is empty/)
      })

      it('ends the whole group at the deadline, also those that ignore TERM', async () => {
        const pids = join(place('deadline'), 'pids')
        const ran = await host.exec(
          ['sh', '-c', `trap '' TERM; (trap '' TERM; sleep 300) & echo "$$ $!" > '${pids}'; wait; sleep 300`],
          { timeoutSeconds: 2 },
        )
        expect([ran.timedOut, ran.ending]).toEqual([true, { kind: 'signalled', signal: 'SIGKILL' }])
        for (const pid of readFileSync(pids, 'utf8').trim().split(' ').map(Number))
          expect(await localProcessIdentity(pid).then((p) => (p === null ? false : host.isAlive(p)))).toBe(false)
      })

      it('is given up by a signal, and says what it saw', async () => {
        const ready = join(place('abort'), 'ready')
        const controller = new AbortController()
        const running = host.exec(['sh', '-c', `echo $$ > '${ready}'; exec sleep 300`], { signal: controller.signal })
        expect(await appears(ready)).toBe(true)
        const found = await localProcessIdentity(Number(readFileSync(ready, 'utf8')))
        controller.abort()
        const ran = await running
        expect([ran.timedOut, ran.ending]).toEqual([false, { kind: 'signalled', signal: 'SIGTERM' }])
        expect(found === null ? null : await host.isAlive(found)).toBe(false)
        const never = join(folder, 'never')
        const late = await host.exec(['touch', never], { signal: controller.signal })
        expect([late.ending.kind, existsSync(never)]).toEqual(['unknown', false])
      })

      it('returns when the program ends, though something it left behind holds its output', async () => {
        const left = join(place('left'), 'pid')
        const ran = await host.exec(['sh', '-c', `sleep 300 & echo $! > '${left}'; echo done`], { timeoutSeconds: 30 })
        expect([ran.ending, ran.timedOut, text(ran.stdout)]).toEqual([{ kind: 'exited', code: 0 }, false, 'done\n'])
        const pid = Number(readFileSync(left, 'utf8'))
        expect(await localProcessIdentity(pid)).not.toBeNull()
        process.kill(pid, 'SIGKILL')
      })

      it('keeps the first bytes of a flood on both streams and counts the rest', async () => {
        const flood = 8_000_000
        let seen = 0
        const ran = await host.exec(['sh', '-c', `head -c ${flood} /dev/zero & head -c ${flood} /dev/zero >&2; wait`], {
          maxBytes: 1000,
          timeoutSeconds: 60,
          onStdout: (chunk) => {
            seen += chunk.byteLength
          },
        })
        expect([ran.ending, ran.stdoutBytes, ran.stderrBytes, seen]).toEqual([
          { kind: 'exited', code: 0 },
          flood,
          flood,
          flood,
        ])
        expect([ran.stdout.byteLength, ran.stderr.byteLength]).toEqual([1000, 1000])
      })

      it('runs many at once without mixing them up', async () => {
        const ran = await Promise.all(Array.from({ length: 24 }, (_, n) => host.exec(['printf', '%s', String(n)])))
        expect(ran.map((one) => text(one.stdout))).toEqual(ran.map((_, n) => String(n)))
      })
    })

    withCommands('script', () => {
      it('takes arguments by position and shields the script from its own commands', async () => {
        const ran = await host.script('cat\nprintf "%s|" "$@"\ncat\nexit 5', ['-x', 'a b', `$(id)`, '', 'x\ny'])
        expect([text(ran.stdout), ran.ending]).toEqual(['-x|a b|$(id)||x\ny|', { kind: 'exited', code: 5 }])
      })

      it('is the same when it is asked again and again', async () => {
        for (const n of [1, 2, 3]) {
          const ran = await host.script('echo "$1"; echo err >&2; exit "$1"', [String(n)], { isRepeated: true })
          expect([text(ran.stdout), text(ran.stderr), ran.ending]).toEqual([
            `${n}\n`,
            'err\n',
            { kind: 'exited', code: n },
          ])
        }
      })
    })

    describe('files', () => {
      it('knows which machine it is on', async () => {
        const me = await host.identity()
        expect(me).toMatchObject({
          host: host.name,
          hostname: execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim(),
          bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
          user: String(process.getuid?.()),
        })
        expect(await host.identity()).toEqual(me)
      })

      it('writes any name and any bytes: whole, 0600, folders 0700, nothing left beside it', async () => {
        const root = place('write')
        const name = word(40)
          .map((s) => s.replaceAll('/', '_'))
          .filter((s) => s !== '' && s !== '.' && s !== '..' && Buffer.byteLength(s) < 200)
        await fc.assert(
          fc.asyncProperty(name, fc.uint8Array({ maxLength: 3000 }), async (leaf, bytes) => {
            const parent = join(root, randomBytes(4).toString('hex'), 'deep')
            const path = `${parent}/${leaf}`
            await host.write(path, bytes)
            expect(Buffer.from(readFileSync(path)).equals(bytes)).toBe(true)
            expect([statSync(path).mode & 0o777, statSync(parent).mode & 0o777]).toEqual([0o600, 0o700])
            expect(readdirSync(parent)).toEqual([leaf])
            expect(Buffer.from((await host.read(path, 0, 5000)) ?? []).equals(bytes)).toBe(true)
            expect(await host.sha256(path)).toBe(createHash('sha256').update(bytes).digest('hex'))
            const real = statSync(path)
            const seen = await host.stat(path)
            expect(seen).toMatchObject({ path, kind: 'file', bytes: bytes.byteLength, inode: real.ino })
            const whole = options.hasFineTimes === false ? Math.floor(real.mtimeMs / 1000) * 1000 : real.mtimeMs
            expect(seen?.mtimeMs).toBe(whole)
            expect(await host.list(parent)).toEqual([seen])
          }),
          { numRuns: isFull ? 200 : 8 },
        )
      })

      it('replaces a file and sets its mode; refuses what cannot be one', async () => {
        const root = place('replace')
        const path = join(root, 'a.json')
        await host.write(path, 'one', 0o644)
        await host.write(path, 'two ü', 0o755)
        expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['two ü', 0o755])
        mkdirSync(join(root, 'taken/inside'), { recursive: true })
        await expect(host.write(join(root, 'taken'), 'x')).rejects.toThrow(/Cannot write/)
        await expect(host.write(join(path, 'under'), 'x')).rejects.toThrow(/Cannot write/)
        await expect(host.write('relative', 'x')).rejects.toThrow(/absolute/)
        expect(readdirSync(root).sort()).toEqual(['a.json', 'taken'])
        expect(readdirSync(join(root, 'taken'))).toEqual(['inside'])
      })

      it('reads exactly the bytes asked for, from any offset', async () => {
        const root = place('read')
        const path = join(root, 'digits')
        const bytes = randomBytes(700_000)
        writeFileSync(path, bytes)
        const cases: readonly (readonly [number, number])[] = [
          [0, 0],
          [0, 1],
          [4095, 2],
          [65_535, 300_001],
          [262_144, 262_144],
          [699_990, 100],
          [700_000, 10],
          [10_000_000, 10],
          [1, 5_000_000],
        ]
        for (const [offset, length] of cases) {
          const got = await host.read(path, offset, length)
          expect(Buffer.from(got ?? []).equals(bytes.subarray(offset, offset + length)), `${offset} ${length}`).toBe(
            true,
          )
          expect(got).not.toBeNull()
        }
        expect(await host.read(join(root, 'none'), 0, 1)).toBeNull()
        expect(await host.read(join(path, 'under'), 0, 1)).toBeNull()
        expect(text(await host.read('/proc/self/status', 0, 5))).toBe('Name:')
        const pipe = join(root, 'pipe')
        execFileSync('mkfifo', [pipe])
        await expect(host.read(pipe, 0, 1)).rejects.toThrow(/not a regular file/)
        await expect(host.sha256(root)).rejects.toThrow(/not a regular file/)
        await expect(host.sha256(join(root, 'none'))).rejects.toThrow(/no such file/)
        expect(await host.sha256(path)).toBe(createHash('sha256').update(bytes).digest('hex'))
        await expect(host.sha256(path, AbortSignal.abort())).rejects.toThrow()
      })

      it('lists links as links, odd names as they are, and many of them', async () => {
        const root = place('list')
        for (const name of ['a b\nc', '-rf', '.hidden', '..odd', '*', 'end', 'batch', 'trailing\n', "'", '\\'])
          writeFileSync(join(root, name), 'xy')
        mkdirSync(join(root, 'sub'))
        symlinkSync('/etc', join(root, 'zlink'))
        symlinkSync('/nowhere', join(root, 'zgone'))
        execFileSync('mkfifo', [join(root, 'pipe')])
        execFileSync('sh', ['-c', `cd "$1" && : > "$(printf 'bad\\377')"`, 'sh', root])
        for (let n = 0; n < 450; n += 1) writeFileSync(join(root, `many-${n}`), '')
        const found = (await host.list(root)) ?? []
        const names = found.map((entry) => entry.path.slice(root.length + 1))
        expect(names).toEqual([...readdirSync(root)].sort())
        const kind = (name: string) => found[names.indexOf(name)]?.kind
        expect(['sub', 'zlink', 'zgone', 'pipe', '-rf', 'bad\ufffd'].map(kind)).toEqual([
          'folder',
          'symlink',
          'symlink',
          'other',
          'file',
          'file',
        ])
        expect((await host.stat(join(root, 'zlink')))?.kind).toBe('symlink')
        expect((await host.list(`${join(root, 'sub')}/`)) ?? null).toEqual([])
        expect((await host.list('/'))?.map((entry) => entry.path)).toContain('/etc')
        for (const gone of ['none', 'none/none', 'many-1', 'many-1/x'])
          expect(await host.list(join(root, gone)), gone).toBeNull()
        for (const gone of ['none', 'none/none', 'many-1/x']) expect(await host.stat(join(root, gone)), gone).toBeNull()
        await expect(host.stat('relative')).rejects.toThrow(/absolute/)
      })
    })

    describe('removeTree', () => {
      it('removes the tree and not what its links point to', async () => {
        const [outside, inside] = [place('outside'), place("in 'side")]
        writeFileSync(join(outside, 'precious'), 'x')
        const target = join(inside, 'run\n')
        mkdirSync(join(target, 'deep/er'), { recursive: true })
        writeFileSync(join(target, 'deep/er/file'), 'x')
        symlinkSync(outside, join(target, 'deep/link'))
        await host.removeTree(target, inside)
        expect([existsSync(target), readFileSync(join(outside, 'precious'), 'utf8')]).toEqual([false, 'x'])
        await host.removeTree(target, inside)
      })

      it('refuses everything that is not really inside', async () => {
        const [outside, inside] = [place('outside'), place('inside')]
        mkdirSync(join(outside, 'sub'))
        mkdirSync(join(inside, 'run2'))
        writeFileSync(join(inside, 'file'), 'x')
        symlinkSync(outside, join(inside, 'link'))
        symlinkSync(inside, join(outside, 'link-in'))
        const refused: readonly (readonly [string, string])[] = [
          [outside, inside],
          [inside, inside],
          [join(inside, '..', 'x'), inside],
          [join(inside, 'link'), inside],
          [join(inside, 'link', 'sub'), inside],
          [join(outside, 'link-in', 'run2'), join(outside, 'link-in')],
          [join(inside, 'file'), inside],
          ['/proc', '/'],
          ['run2', inside],
          [`${inside}-else`, inside],
        ]
        for (const [path, root] of refused)
          await expect(host.removeTree(path, root), `${path} under ${root}`).rejects.toThrow(/Refused|absolute/)
        expect([existsSync(join(outside, 'sub')), existsSync(join(inside, 'run2'))]).toEqual([true, true])
      })
    })

    describe('kill', () => {
      const start = async (command: string) => {
        const ready = join(place('kill'), 'ready')
        execFileSync('setsid', ['-f', 'sh', '-c', command.replaceAll('READY', ready)], { stdio: 'ignore' })
        expect(await appears(ready)).toBe(true)
        const found = await localProcessIdentity(Number(readFileSync(ready, 'utf8')))
        if (found === null) throw new Error('the process is not there')
        return found
      }

      it('ends a group that obeys, and says so once', async () => {
        const running = await start('echo $$ > READY; sleep 300')
        expect(await host.isAlive(running)).toBe(true)
        expect(await host.kill(running, 5)).toBe('gone')
        expect(await host.isAlive(running)).toBe(false)
        expect(await host.kill(running, 5)).toBe('was-gone')
      })

      it('ends grandchildren that ignore TERM, and what a dead leader left behind', async () => {
        const stubborn = await start(`trap '' TERM; (trap '' TERM; sleep 300) & echo $$ > READY; wait; sleep 300`)
        expect(await host.kill(stubborn, 0.2)).toBe('gone')
        expect(await groupMembers(stubborn.pid)).toEqual([])
        const dead = await start('sleep 300 & sleep 301 & echo $$ > READY; wait')
        process.kill(dead.pid, 'SIGKILL')
        expect(await until(async () => (await host.isAlive(dead)) === false, 10)).toBe(true)
        expect((await groupMembers(dead.pid)).length).toBe(2)
        expect(await host.kill(dead, 5)).toBe('gone')
        expect(await groupMembers(dead.pid)).toEqual([])
      })

      it('never signals another process that has the number, nor itself, nor the first', async () => {
        const running = await start('echo $$ > READY; sleep 300')
        const other = { ...running, startTicks: running.startTicks + 1 }
        const before = { ...running, bootId: 'another-boot' }
        expect(await host.kill(other, 1)).toBe('not-ours')
        expect(await host.kill(before, 1)).toBe('was-gone')
        expect([await host.isAlive(other), await host.isAlive(before)]).toEqual([false, false])
        for (const pid of [0, 1, -1, 1.5]) expect(await host.kill({ ...running, pid }, 0)).toBe('not-ours')
        expect(await host.isAlive(running)).toBe(true)
        expect(await host.kill(running, 5)).toBe('gone')
      })
    })

    it('follows a file that grows, and sees that another one took its place', async () => {
      const file = join(place('tail'), 'a log')
      const next = async (from: TailPosition | null, length: number) => {
        const found = await host.tail(file, from, length)
        return found === null ? null : [text(found.bytes), found.isAnother]
      }
      expect(await next(null, 100)).toBeNull()
      const first = `first line\n${'x'.repeat(5000)}\n`
      writeFileSync(file, first)
      const one = await host.tail(file, null, 1000)
      expect([text(one?.bytes ?? null), one?.isAnother, one?.size]).toEqual([first.slice(0, 1000), false, first.length])
      const two = await host.tail(file, one?.position ?? null, 100_000)
      expect([text(two?.bytes ?? null), two?.isAnother]).toEqual([first.slice(1000), false])
      const at = two?.position ?? null
      expect(text((await host.tail(file, at, 100))?.bytes ?? null)).toBe('')
      appendFileSync(file, 'more\n')
      expect(await next(at, 100)).toEqual(['more\n', false])
      // Copied and truncated: the same inode, and longer again than what had been read.
      writeFileSync(file, `second line\n${'y'.repeat(9000)}\n`)
      expect(await next(at, 11)).toEqual(['second line', true])
      writeFileSync(file, 'short\n')
      expect(await next(at, 100)).toEqual(['short\n', true])
      // Renamed away, and a new one in its place.
      renameSync(file, `${file}.1`)
      expect(await next(at, 100)).toBeNull()
      writeFileSync(file, first)
      expect(await next(at, 5)).toEqual(['first', true])
      await expect(host.tail(join(file, '..'), null, 10)).rejects.toThrow(/regular file/)
    })

    it('runs nothing once it is closed, and closing again is nothing', async () => {
      const { host: other, stop } = await open()
      try {
        await other.close()
        await other.close()
        await expect(other.exec(['true'])).rejects.toThrow(/is closed/)
      } finally {
        await stop()
      }
    })
  })
}
