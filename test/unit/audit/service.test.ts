import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { audit, auditItemIds } from '../../../src/audit/service.ts'
import type { AuditPayload } from '../../../src/audit/types.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import { sha256Hex } from '../../../src/spec/digest.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'
import type { Proof } from '../../../src/walk/proof.ts'
import { line } from '../../faults/probes/nvidia-fixtures.ts'
import { contextWith, type MadeContext } from './support.ts'

async function audited(ctx: MadeContext, only?: readonly string[]) {
  const result = await audit(ctx, only === undefined ? {} : { only })
  const proof = result.proof as Proof<AuditPayload>
  const item = (id: string): CheckedItem => {
    const found = proof.items.find((each) => each.id === id)
    if (found === undefined) throw new Error(`no item ${id}`)
    return found
  }
  return { result, proof, item }
}

/** A host whose nvidia-smi is the given shell script. */
const hostWith = (nvidia: string) => (home: string) => {
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${nvidia}\n`)
  chmodSync(join(bin, 'nvidia-smi'), 0o755)
  return createLocalHost({ env: { PATH: `${bin}:${process.env.PATH}`, HOME: home } })
}
const gpuPlan = { resources: { compute: 'gpu', workers: 1, gpus: 1, gpuMemoryMiB: 30_000 } }

describe('what takes the room', () => {
  it('is weighed where it really lies, once, also behind links', async () => {
    const ctx = await contextWith()
    const kx = join(ctx.home, '.local/share/kx')
    const elsewhere = join(ctx.home, 'big disk')
    mkdirSync(kx, { recursive: true })
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'model.bin'), Buffer.alloc(3 * 1024 * 1024, 1))
    symlinkSync(elsewhere, join(kx, 'cache'))
    symlinkSync(elsewhere, join(kx, 'again'))
    symlinkSync('/nowhere', join(kx, 'dangling'))
    writeFileSync(join(kx, 'small'), 'x')
    const { item } = await audited(ctx, ['audit.space-hogs'])
    const { evidence, result } = item('audit.space-hogs')
    expect([result, evidence.summary]).toEqual(['pass', expect.stringContaining(`largest: ${elsewhere} 3`)])
    expect(evidence.detail?.filter((each) => each.includes('big disk'))).toHaveLength(1)
  })
})

describe('the audit of this machine', () => {
  it('judges every item, each with evidence, and makes one report', async () => {
    const ctx = await contextWith({
      files: { 'train.mjs': 'console.log(1)\n', 'run.sh': '#!/bin/sh\ntrue\n' },
      plan: { data: [{ path: 'data.csv', bytes: 4, sha256: sha256Hex('1,2\n') }] },
    })
    writeFileSync(join(ctx.loaded.projectFolder, 'data.csv'), '1,2\n')
    const { proof, item, result } = await audited(ctx)

    expect(proof.items.map((each) => each.id)).toEqual(auditItemIds)
    expect(new Set(auditItemIds).size).toBe(auditItemIds.length)
    for (const each of proof.items) {
      expect([each.id, each.evidence.summary !== '', each.evidence.atMs > 0]).toEqual([each.id, true, true])
      if (each.result === 'unknown' || each.result === 'not-applicable')
        expect([each.id, each.reason]).not.toEqual([each.id, undefined])
    }
    for (const id of [
      'audit.reachable',
      'audit.host-identity',
      'audit.durable-mount',
      'audit.survival-matrix',
      'audit.checkpoint-tier',
      'audit.checkpoint-budget',
      'audit.inode-budget',
      'audit.cgroup-memory',
      'audit.same-filesystem',
      'audit.detach-tool',
      'audit.detach-survival',
      'audit.secrets-not-shared',
      'audit.secret-manager',
      'data.exists',
      'data.hash',
      'data.download-size',
      'audit.clock',
    ])
      expect([id, item(id).result, item(id).evidence.summary]).toEqual([id, 'pass', item(id).evidence.summary])
    for (const id of [
      'audit.ssh-key',
      'audit.gpu-present',
      'audit.own-interpreter',
      'audit.no-silent-cpu',
      'audit.code-drift',
      'audit.installer',
      'launch.git-clean',
    ])
      expect([id, item(id).result]).toEqual([id, 'not-applicable'])
    expect(item('audit.disk-bytes').evidence.detail?.length).toBe(ctx.profile.storage.tiers.length)

    expect(proof.host).toEqual(await ctx.host.identity())
    expect(proof.machineClass).toMatch(/^cpu-[a-z0-9_]+-\d+c$/)
    expect(proof.expiresAtMs).toBe(proof.atMs + 24 * 3_600_000)
    expect(proof.boundTo.plan).toBe(ctx.loaded.digests.plan)
    expect(proof.boundTo.host).toContain('@local ')
    expect(ctx.run.state().latest.AuditReport?.id).toBe(proof.id)
    expect(ctx.progressed.flatMap((p) => (p.item ? [p.item.id] : [])).sort()).toEqual([...auditItemIds].sort())
    expect(result.exitCode).toBe(0)
  })

  it('leaves no probe behind: no file, no process', async () => {
    const ctx = await contextWith()
    await audited(ctx, undefined)
    const kx = join(ctx.home, '.local/share/kx')
    expect(readdirSync(kx).filter((name) => name.includes('probe'))).toEqual([])
    expect(existsSync(join(kx, 'boxes'))).toBe(true)
    const running = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    expect(running.split('\n').filter((each) => each.includes('kx-probe-') && each.includes(ctx.home))).toEqual([])
  })

  it('removes what an audit that was killed left behind an hour ago, and nothing else', async () => {
    const ctx = await contextWith()
    await audited(ctx, ['audit.durable-mount'])
    const kx = join(ctx.home, '.local/share/kx')
    const folders = [kx, join(kx, 'boxes')]
    const hour = Date.now() / 1000 - 3700
    const make = (name: string, isOld: boolean) => {
      for (const folder of folders) {
        writeFileSync(join(folder, name), 'x')
        if (isOld) utimesSync(join(folder, name), hour, hour)
      }
    }
    const hex = '0123456789ab'
    const gone = [`.kx-probe-${hex}`, `..kx-probe-${hex}.kx-${hex}`]
    const kept = [`.kx-probe-${hex}.txt`, `.kx-probe-mine`, `kx-probe-${hex}`, `.kx-probe-${hex.toUpperCase()}`]
    for (const name of [...gone, ...kept]) make(name, true)
    make('.kx-probe-bbbbbbbbbbbb', false)
    // A folder is none of ours, whatever its name.
    mkdirSync(join(kx, 'boxes', '.kx-probe-aaaaaaaaaaaa'))
    utimesSync(join(kx, 'boxes', '.kx-probe-aaaaaaaaaaaa'), hour, hour)
    const { item } = await audited(ctx, ['audit.durable-mount'])
    expect(item('audit.durable-mount').result).toBe('pass')
    const young = '.kx-probe-bbbbbbbbbbbb'
    const left = folders.map((folder) => readdirSync(folder).filter((name) => name.includes('probe')))
    expect(left.map((names) => names.sort())).toEqual([
      [...kept, young].sort(),
      [...kept, young, '.kx-probe-aaaaaaaaaaaa'].sort(),
    ])
  })

  it('stops the walk when checkpoints do not fit', async () => {
    const ctx = await contextWith({ plan: { checkpoints: { bytes: 1e15, count: 3, scratchBytes: 5 } } })
    const { item, result } = await audited(ctx, ['audit.checkpoint-budget'])
    expect(item('audit.checkpoint-budget').result).toBe('fail')
    expect(item('audit.checkpoint-budget').fix).toMatch(/Free /)
    expect(result.exitCode).toBe(1)
  })

  it('looks at some items again without making the rest younger', async () => {
    let nowMs = Date.now()
    const ctx = await contextWith({ clock: { nowMs: () => nowMs, monotonicMs: () => performance.now() } })
    const first = await audited(ctx)
    nowMs += 3_600_000
    const second = await audited(ctx, ['audit.reachable'])
    expect(second.proof.items.length).toBe(auditItemIds.length)
    expect(second.item('audit.reachable').evidence.atMs).toBe(nowMs)
    expect(second.item('audit.shm')).toEqual(first.item('audit.shm'))
    expect(second.proof.expiresAtMs).toBe(first.proof.expiresAtMs)
    expect(second.proof.payload.only).toEqual(['audit.reachable'])
    await expect(audit(ctx, { only: ['audit.nothing'] })).rejects.toThrow(/no audit item/)
  })

  it('finds what is wrong with the project', async () => {
    const ctx = await contextWith({
      files: {
        'bad.sh': '#!/bin/sh\r\ntrue\r\n',
        'config.py': `key = "AKIA${'A'.repeat(16)}"\n`,
        'req.txt': 'numpy>=1.0\n',
      },
      plan: {
        environment: { kind: 'uv', requirements: 'req.txt' },
        data: [{ path: 'none.csv', bytes: 4, sha256: sha256Hex('x') }],
        secrets: ['KX_SURELY_NOT_SET'],
      },
    })
    const { item, result } = await audited(ctx)
    expect(item('audit.line-endings')).toMatchObject({ result: 'fail', severity: 'error' })
    expect(item('audit.secret-manager').result).toBe('fail')
    expect(JSON.stringify(item('audit.secret-manager'))).not.toContain('AKIAAAAA')
    expect(item('audit.installer').result).toBe('fail')
    expect(item('data.exists').result).toBe('fail')
    expect(item('audit.secrets-stdin').result).toBe('fail')
    expect(result.exitCode).toBe(1)
  })

  it('reads git', async () => {
    const ctx = await contextWith({ files: { 'a.txt': 'x\n' } })
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', ctx.loaded.projectFolder, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args])
    git('init', '-q')
    writeFileSync(join(ctx.loaded.projectFolder, '.gitignore'), '.kx/\n')
    git('add', '.')
    git('commit', '-qm', 'one')
    const clean = await audited(ctx)
    expect(clean.item('launch.git-clean')).toMatchObject({ result: 'fail', severity: 'warn' })
    expect(clean.item('launch.git-clean').evidence.summary).toMatch(/no remote/)
    execFileSync('git', ['init', '-q', '--bare', join(ctx.home, 'remote.git')])
    git('remote', 'add', 'origin', join(ctx.home, 'remote.git'))
    git('push', '-q', 'origin', 'HEAD')
    expect((await audited(ctx, ['launch.git-clean'])).item('launch.git-clean').result).toBe('pass')
    writeFileSync(join(ctx.loaded.projectFolder, 'a.txt'), 'y\n')
    expect((await audited(ctx, ['launch.git-clean'])).item('launch.git-clean').evidence.summary).toMatch(/differ/)
  })
})

describe('cards', () => {
  it('are missing: fails, never zero percent', async () => {
    const ctx = await contextWith({
      plan: gpuPlan,
      host: (home) => createLocalHost({ env: { PATH: '/usr/bin:/bin', HOME: home } }),
    })
    const { item, result } = await audited(ctx)
    expect(item('audit.gpu-present')).toMatchObject({ result: 'fail' })
    expect(item('audit.gpu-present').evidence.summary).toMatch(/none/)
    expect(item('audit.no-silent-cpu').result).toBe('fail')
    expect(result.exitCode).toBe(1)
  })

  it('do not answer: unknown, which blocks like a failure', async () => {
    const ctx = await contextWith({ plan: gpuPlan, host: hostWith(`trap '' TERM\nsleep 300`) })
    const { item } = await audited(ctx, ['audit.gpu-present'])
    expect(item('audit.gpu-present').result).toBe('unknown')
    expect(item('audit.gpu-present').severity).toBe('error')
  })

  it('are there and well', async () => {
    const card = line({ 'memory.used': '3' })
    const ctx = await contextWith({
      plan: gpuPlan,
      host: hostWith(`case "$*" in *query-gpu*) cat <<'X'\n${card}X\n;; esac`),
    })
    const { item, proof } = await audited(ctx)
    expect(proof.machineClass).toBe('NVIDIA A100-SXM4-80GB')
    for (const id of ['audit.gpu-present', 'audit.gpu-memory', 'audit.gpu-free', 'audit.gpu-driver'])
      expect([id, item(id).result]).toEqual([id, 'pass'])
    // No Python interpreter is named by this plan: that cannot be known, and fails closed.
    expect(item('audit.own-interpreter').result).toBe('unknown')
    expect(item('audit.no-silent-cpu').result).toBe('fail')
  })
})
