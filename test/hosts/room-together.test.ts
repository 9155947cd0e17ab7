import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { pullAt } from '../../src/commands/transfer.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { ActContext } from '../../src/run/act.ts'
import { type MadeContext, makeContext } from '../harness/act-context.ts'

const mib = 1024 * 1024

describe('a pull from several hosts', () => {
  const undo: (() => void | Promise<void>)[] = []
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each()
  })

  /** Three hosts (all of them this machine), each with one artifact of so many bytes, into a file system of so many MiB. */
  async function three(bytes: number, roomMib: number): Promise<{ ctx: ActContext; made: MadeContext; here: string }> {
    const root = mkdtempSync(join(tmpdir(), 'kx-room-'))
    undo.push(() => rmSync(root, { recursive: true, force: true }))
    const here = join(root, 'here')
    mkdirSync(here)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${roomMib}m,mode=700`, 'tmpfs', here])
    undo.push(() => void execFileSync('umount', [here]))
    const made = await makeContext({ plan: { artifacts: [{ glob: 'model.bin', minimumCount: 1, kind: 'other' }] } })
    undo.push(() => made.stop())
    const names = ['a', 'b', 'c']
    const receipt = (host: string) => ({
      kind: 'Receipt',
      host: { host },
      payload: { handle: { folder: join(root, host) } },
    })
    const fleet = { fleet: { hosts: names, assignments: [], observations: {}, truths: {} } }
    const state = (proofs: readonly object[]) => ({
      ...made.run.state(),
      ...fleet,
      proofs,
      latest: { Receipt: proofs[0] },
    })
    const runOf = (folder: string, proofs: readonly object[]) =>
      ({
        ...made.run,
        id: 'r1',
        folder,
        state: () => state(proofs),
        refresh: async () => state(proofs),
      }) as unknown as ActContext['run']
    for (const name of names) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'model.bin'), Buffer.alloc(bytes, name))
    }
    const at = async (name: string): Promise<ActContext> => {
      const folder = join(here, 'hosts', name)
      mkdirSync(folder, { recursive: true })
      return { ...made, run: runOf(folder, [receipt(name)]), host: { ...createLocalHost(), name } }
    }
    return { ctx: { ...made, run: runOf(here, names.map(receipt)), at }, made, here }
  }

  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile())

  it('is refused before the first byte when each would fit and all of them would not', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('a file system of its own needs root')
    const { ctx, here } = await three(8 * mib, 80)
    const result = await pullAt(ctx, {})
    expect(result.exitCode).toBe(1)
    expect(result.summary).toMatch(
      /3 hosts together \(a 8(\.0)? MiB, b 8(\.0)? MiB, c 8(\.0)? MiB\): 88(\.0)? MiB .* needed, 80(\.0)? MiB .* free in .*here/,
    )
    expect(filesIn(here)).toEqual([])
    // One of them alone fits, and then it is not counted again.
    expect((await pullAt(ctx, { host: 'b' })).exitCode).toBe(0)
    expect(filesIn(here)).toContain('hosts/b/artifacts/model.bin')
    expect((await pullAt(ctx, {})).summary).toContain('b 0 B')
  })

  it('is not held up by a host that does not answer', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('a file system of its own needs root')
    const { ctx, here } = await three(mib, 80)
    const at: ActContext['at'] = async (name, kind) => {
      if (name === 'b') throw new Error('no route to host')
      return (await ctx.at?.(name, kind)) as ActContext
    }
    const result = await pullAt({ ...ctx, at }, {})
    expect(result.exitCode).toBe(4)
    expect(filesIn(here).filter((name) => name.endsWith('model.bin'))).toEqual([
      'hosts/a/artifacts/model.bin',
      'hosts/c/artifacts/model.bin',
    ])
  })
})
