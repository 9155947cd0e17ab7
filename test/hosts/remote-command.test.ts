import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { remoteCommand, remoteCommandOf } from '../../src/host/remote/command.ts'
import { endingOf, MarkedStream, processOf } from '../../src/host/remote/marked-stream.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const folder = mkdtempSync(join(tmpdir(), 'kx-command-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Shell {
  readonly name: string
  readonly login: readonly string[]
  /** What `sh` is there. */
  readonly sh: string
}

const where = (program: string) => {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()
  if (found === '' && (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1'))
    throw new Error(`${program} is not installed: hosts with that shell cannot be tried`)
  return found
}
const shells: readonly Shell[] = [
  ...['dash', 'bash', 'zsh', 'fish'].map((name) => ({ name, login: [where(name)], sh: '' })),
  { name: 'busybox', login: [where('busybox'), 'sh'], sh: where('busybox') },
  { name: 'bash that is called sh', login: [where('bash')], sh: where('bash') },
].filter(({ login }) => login[0] !== '')

/** As sshd does it: the login shell gets the command behind `-c`, in a session of its own. */
function runIn(shell: Shell, argv: readonly string[], options: Parameters<typeof remoteCommandOf>[1] = {}, stdin = '') {
  const command = remoteCommandOf(argv, options)
  let path = process.env.PATH ?? ''
  if (shell.sh !== '') {
    const bin = mkdtempSync(join(folder, 'bin-'))
    symlinkSync(shell.sh, join(bin, 'sh'))
    path = `${bin}:${path}`
  }
  const [program = '', ...flags] = shell.login
  const child = spawn(program, [...flags, '-c', remoteCommand], {
    detached: true,
    env: { HOME: folder, PATH: path, LANG: 'C.UTF-8' },
  })
  const out = new MarkedStream(command.mark, 1_000_000)
  const err = new MarkedStream(command.mark, 1_000_000)
  child.stdout.on('data', (chunk: Buffer) => out.take(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.take(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(command.input + stdin)
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { child, out, err, closed }
}

describe.each(shells)('one command for every login shell: $name', (shell) => {
  it('hands over arguments, input, folder and environment', async () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }).map((s) => s.replaceAll('\0', '')),
      fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^`), maxLength: 50 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 20 }), word, word, async (args, value, stdin) => {
        const { out, err, closed } = runIn(
          shell,
          ['sh', '-c', 'printf "%s\\0" "$KX_V" "$@"; cat', 'sh', ...args],
          { env: { KX_V: value } },
          stdin,
        )
        await closed
        expect(text(out.bytes())).toBe([value, ...args].map((each) => `${each}\0`).join('') + stdin)
        expect([text(err.bytes()), endingOf(out.ended)]).toEqual(['', { kind: 'exited', code: 0 }])
      }),
      { numRuns: process.env.KX_FULL === '1' ? 100 : 10 },
    )
  })

  it('tells codes from signals, and who it is', async () => {
    for (const [script, ending] of [
      ['exit 255', { kind: 'exited', code: 255 }],
      ['exit 137', { kind: 'exited', code: 137 }],
      ['kill -9 $$', { kind: 'signalled', signal: 'SIGKILL' }],
      ['kill -TERM $$', { kind: 'signalled', signal: 'SIGTERM' }],
      ['kill -SEGV $$', { kind: 'signalled', signal: 'SIGSEGV' }],
    ] as const) {
      const { child, out, err, closed } = runIn(shell, ['sh', '-c', script])
      await closed
      expect([endingOf(out.ended), endingOf(err.ended), text(err.bytes())], script).toEqual([ending, ending, ''])
      expect(processOf(out.begun)).toMatchObject({ pid: child.pid, group: child.pid })
    }
    const missing = runIn(shell, ['kx-no-such'])
    await missing.closed
    expect(endingOf(missing.out.ended)).toEqual({ kind: 'exited', code: 127 })
    expect(text(missing.err.bytes())).toMatch(/not found/)
    const nowhere = runIn(shell, ['true'], { cwd: "/no'where" })
    await nowhere.closed
    expect([endingOf(nowhere.out.ended), text(nowhere.err.bytes())]).toEqual([
      { kind: 'exited', code: 127 },
      "kx: working folder is not there: /no'where\n",
    ])
  })

  it('outlives TERM to its group, to tell the end of what it ran', async () => {
    const { child, out, closed } = runIn(shell, ['sh', '-c', 'echo ready; exec sleep 300'])
    await new Promise((resolve) => child.stdout.on('data', () => out.total > 0 && resolve(null)))
    process.kill(-(child.pid as number), 'SIGTERM')
    await closed
    expect(endingOf(out.ended)).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
  })

  it('runs nothing when the link breaks before the mark', async () => {
    const { mark, input } = remoteCommandOf(['touch', join(folder, 'never')])
    const [program = '', ...flags] = shell.login
    for (const cut of [0, 5, mark.length + 1, Math.floor(input.length / 2), input.length - 2]) {
      const ran = spawnSync(program, [...flags, '-c', remoteCommand], {
        input: input.slice(0, cut),
        env: { HOME: folder, PATH: process.env.PATH },
      })
      expect([ran.status, ran.stdout.length], String(cut)).toEqual([125, 0])
    }
  })
})

describe('the marks', () => {
  it('are found in whatever chunks they come, and nothing else is taken for them', () => {
    const mark = 'kx-0123456789abcdef'
    const piece = fc.constantFrom('\n', mark, `\n${mark}`, ` end`, `\n${mark} en`, `\n${mark} begin 1`, 'x', ' 0 code')
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map((all) => all.join('')),
        fc.array(piece, { maxLength: 8 }).map((all) => all.join('')),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 30 }),
        (noise, payload, sizes) => {
          fc.pre(!noise.includes(`${mark} begin`) && !payload.includes(`${mark} end `))
          const stream = `${noise}\n${mark} begin 1 2 3 b\n${payload}\n${mark} end 7 code\n${noise}`
          const live: Uint8Array[] = []
          const under = new MarkedStream(mark, 1000, (chunk) => live.push(Uint8Array.from(chunk)))
          for (let at = 0, n = 0; at < stream.length; n += 1) {
            const size = sizes[n % sizes.length] as number
            under.take(Buffer.from(stream.slice(at, at + size)))
            at += size
          }
          under.flush()
          expect(under.begun).toEqual(['1', '2', '3', 'b'])
          expect(under.ended).toEqual(['7', 'code'])
          expect(text(under.bytes())).toBe(payload)
          expect(Buffer.concat(live).toString()).toBe(payload)
          expect(under.noise()).toBe((noise + noise).trim())
        },
      ),
      { numRuns: 500 },
    )
  })

  it('say nothing when they are odd', () => {
    expect([endingOf(null), endingOf(['x', 'code']), endingOf(['1']), endingOf(['1', 'maybe'])]).toEqual(
      Array(4).fill(null),
    )
    expect([processOf(null), processOf(['1', '-', '-', '-']), processOf(['1', '2', '3', '-'])]).toEqual(
      Array(3).fill(null),
    )
    const stream = new MarkedStream('kx-1', 100)
    stream.take(Buffer.from('\nkx-1 begin\nsome\nkx-1 end 0 co'))
    stream.flush()
    expect([stream.ended, text(stream.bytes())]).toEqual([null, 'some\nkx-1 end 0 co'])
  })
})
