import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/host/local.ts'
import { processStat, until } from '../../src/host/local-process.ts'
import type { Host } from '../../src/host/types.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-kept-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const kept = { isRepeated: true, timeoutSeconds: 20 } as const

let host: Host = createLocalHost()
afterEach(async () => {
  await host.close()
  host = createLocalHost()
})
/** Shells of ours that run: their parent is this process. */
const shells = () =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return parent === String(process.pid) && state !== 'Z' && stat.includes('(sh)')
    } catch {
      return false
    }
  })

const stateOf = async (pid: number) => {
  const stat = await processStat(pid)
  return typeof stat === 'object' ? (stat?.state ?? null) : stat
}

describe('scripts that are asked again', () => {
  it('run in one shell that stays, and see what a script of its own would see', async () => {
    const parent = async () => text((await host.script('echo $PPID', [], kept)).stdout).trim()
    const first = await parent()
    expect(await parent()).toBe(first)
    expect(Number(first)).not.toBe(process.pid)
    const source = 'set -u; printf "%s|" "$#" "$@"; cat; echo err >&2; exit 7'
    const args = ["it's", '$(id)', '', '`x`', 'a\nb', '--', '-n', 'ü']
    const own = await host.script(source, args)
    const ran = await host.script(source, args, kept)
    expect([ran.ending, text(ran.stdout), text(ran.stderr)]).toEqual([own.ending, text(own.stdout), text(own.stderr)])
    expect(ran).toMatchObject({
      ending: { kind: 'exited', code: 7 },
      timedOut: false,
      stdoutBytes: own.stdoutBytes,
      stderrBytes: 4,
    })
    expect(await parent()).toBe(first)
  })

  it('are the same for any arguments and any text', async () => {
    const word = fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\0', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (args) => {
        const ran = await host.script('printf "%s\\n" "$@"; printf end', args, kept)
        expect(text(ran.stdout)).toBe(`${args.length === 0 ? '\n' : args.map((a) => `${a}\n`).join('')}end`)
      }),
      { numRuns: 60 },
    )
  })

  it('cannot break the shell: bad syntax, exec, a killed script', async () => {
    const before = text((await host.script('echo $PPID', [], kept)).stdout)
    const bad = await host.script('if then (', [], kept)
    expect(bad.ending).toMatchObject({ kind: 'exited' })
    expect(bad.ending).not.toEqual({ kind: 'exited', code: 0 })
    expect((await host.script('exec false', [], kept)).ending).toEqual({ kind: 'exited', code: 1 })
    expect((await host.script('kill -9 $$', [], kept)).ending).toEqual({ kind: 'exited', code: 137 })
    expect(text((await host.script('echo $PPID', [], kept)).stdout)).toBe(before)
  })

  it('keep the first bytes of what they print and count the rest', async () => {
    const ran = await host.script('yes 0123456789 | head -c 3000000', [], { ...kept, maxBytes: 1000 })
    expect([ran.stdout.byteLength, ran.stdoutBytes, ran.ending]).toEqual([1000, 3_000_000, { kind: 'exited', code: 0 }])
    expect(text(ran.stdout)).toBe('0123456789\n'.repeat(91).slice(0, 1000))
  })

  it('run beside each other, each with its own answer', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(async (n) => text((await host.script(`sleep 0.1; echo ${n}`, [], kept)).stdout).trim()),
    )
    expect(answers).toEqual(['1', '2', '3', '4', '5'])
  })

  it('are ended at their deadline with all they started, and the next one works', async () => {
    const pid = join(folder, 'pid')
    const late = await host.script(`(trap '' TERM; echo $$ > ${pid}; sleep 300) & trap '' TERM; wait; sleep 300`, [], {
      ...kept,
      timeoutSeconds: 0.5,
    })
    expect(late.timedOut).toBe(true)
    expect(late.ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('0.5 s') })
    const left = Number(readFileSync(pid, 'utf8'))
    // A zombie only waits for whoever reaps it.
    expect([null, 'Z']).toContain(
      await processStat(left).then((stat) => (typeof stat === 'object' ? (stat?.state ?? null) : stat)),
    )
    expect(text((await host.script('echo again', [], kept)).stdout)).toBe('again\n')
  })

  it('do not keep a program from ending that forgot to close its host', async () => {
    const source = `
      const { createLocalHost } = await import(${JSON.stringify(import.meta.resolve('../../src/host/local.ts'))})
      const host = createLocalHost()
      const ran = await host.script('sleep 0.3; echo $PPID', [], { isRepeated: true })
      console.log(new TextDecoder().decode(ran.stdout).trim())`
    const ended = await host.exec([process.execPath, '--input-type=module', '-e', source], { timeoutSeconds: 20 })
    expect([ended.ending, ended.timedOut, text(ended.stderr)]).toEqual([{ kind: 'exited', code: 0 }, false, ''])
    const shell = Number(text(ended.stdout))
    expect(shell).toBeGreaterThan(1)
    expect(await until(async () => [null, 'Z'].includes(await stateOf(shell)), 10)).toBe(true)
  })

  it('are given up by a signal, and go with the host', async () => {
    expect(await until(async () => shells().length === 0, 10)).toBe(true)
    const controller = new AbortController()
    const asked = host.script('sleep 300', [], { ...kept, signal: controller.signal })
    controller.abort()
    expect((await asked).ending).toMatchObject({ kind: 'unknown' })
    await host.script('true', [], kept)
    expect(shells().length).toBe(1)
    await host.close()
    expect(await until(async () => shells().length === 0, 10)).toBe(true)
    await expect(host.script('true', [], kept)).rejects.toThrow(/is closed/)
  })
})
