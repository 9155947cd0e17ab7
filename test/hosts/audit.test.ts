import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { audit } from '../../src/audit/service.ts'
import { openHost } from '../../src/host/open.ts'
import { loadProfiles } from '../../src/profile/load.ts'
import { fakeNvidiaSmi } from '../harness/fake-nvidia-smi.ts'
import { needsSshd, type SshdOptions, startSshd } from '../harness/sshd.ts'
import { contextWith } from '../unit/audit/support.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A FAKE interpreter: it prints the one line that the real script would, and nothing of CUDA is behind it. */
const fakePython = (facts: object) =>
  `#!/bin/sh\n[ "$1" = -c ] || { echo Python 3.12.4; exit 0; }\ncat <<'X'\nkx-interpreter ${JSON.stringify(facts)}\nX\n`
const h100 = ['NVIDIA H100 80GB HBM3', 85_520_809_984, '9.0', 84_000_000_000, null]
const facts = {
  executable: '/opt/python',
  python: '3.12.4',
  torch: '2.7.0+cu124',
  cuda: '12.4',
  available: true,
  devices: [h100, h100],
  architectures: ['sm_80', 'sm_90'],
  trouble: null,
}

async function gpuBox(options: SshdOptions = {}, said: object = facts) {
  const folder = mkdtempSync(join(tmpdir(), 'kx-audit-box-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const gpu = fakeNvidiaSmi(folder, 'h100', 2)
  const python = join(gpu.binFolder, 'python')
  writeFileSync(python, fakePython(said), { mode: 0o755 })
  const sshd = await startSshd({ ...options, env: { PATH: `${gpu.binFolder}:/usr/sbin:/usr/bin:/sbin:/bin` } })
  cleanups.push(() => sshd.stop())
  const configFile = join(folder, 'ssh_config')
  writeFileSync(
    configFile,
    `Host box\n  HostName ${sshd.address}\n  Port ${sshd.port}\n  User ${sshd.user}\n  IdentityFile ${sshd.clientKey.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${sshd.knownHostsFile}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  const { host } = await openHost('box', { env: process.env, stateFolder: join(folder, 'state'), configFile })
  const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../profiles'), user: null })
  const profile = profiles.get('generic-ssh')?.profile
  if (profile === undefined) throw new Error('no generic-ssh')
  const made = await contextWith({
    plan: {
      command: [python, 'train.py'],
      environment: { kind: 'system', interpreter: python },
      resources: { compute: 'gpu', workers: 2, gpus: 2, gpuMemoryMiB: 40_000 },
      hosts: ['box'],
    },
    host: () => host,
  })
  const look = async () => {
    const { proof } = await audit({ ...made, profile })
    return (id: string) => {
      const item = proof?.items.find((each) => each.id === id)
      if (item === undefined) throw new Error(`no item ${id}`)
      return item
    }
  }
  return { gpu, sshd, look, folder }
}

describe.skipIf(needsSshd().skip)('the audit of a machine behind SSH', () => {
  it('really looks at every item, also where checkpoints lie behind a link', async () => {
    const { gpu, sshd, look, folder } = await gpuBox()
    const elsewhere = join(folder, 'big')
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'old.ckpt'), Buffer.alloc(2 * 1024 * 1024, 1))
    symlinkSync(elsewhere, join(sshd.home, 'proj'))
    const item = await look()
    for (const id of ['gpu-present', 'gpu-memory', 'gpu-driver', 'gpu-capability', 'gpu-free', 'own-interpreter'])
      expect([id, item(`audit.${id}`).result, item(`audit.${id}`).evidence.summary]).toEqual([
        id,
        'pass',
        item(`audit.${id}`).evidence.summary,
      ])
    expect(item('audit.gpu-driver').evidence.detail?.join('\n')).toMatch(
      /takes CUDA up to 12\.4[\s\S]*built for CUDA 12\.4/,
    )
    expect(item('audit.own-interpreter').evidence.summary).toMatch(/can use the memory of each/)
    expect(item('audit.disk-bytes').evidence.detail?.join('\n')).toContain(`really ${elsewhere}`)
    expect(item('audit.checkpoint-tier').evidence.summary).toContain(`really ${elsewhere}`)
    expect(item('audit.checkpoint-tier').evidence.detail?.join('\n')).toMatch(/after reboot: kept[\s\S]*manual: /)
    expect(item('audit.space-hogs').evidence.summary).toContain(join(elsewhere, 'old.ckpt'))
    expect(item('audit.ssh-sessions')).toMatchObject({ result: 'pass' })
    for (const id of ['process-limits', 'clock', 'shm', 'cpu-quota'])
      expect([id, item(`audit.${id}`).result]).not.toEqual([id, 'unknown'])
    for (const id of ['box-name', 'image-snapshot', 'region-lock', 'china-mirror'])
      expect([id, item(`audit.${id}`).result]).toEqual([id, 'not-applicable'])
    expect(item('audit.image-is-env')).toMatchObject({ result: 'pass' })
    expect(gpu.refused()).toEqual([])
  })

  it('finds who is on the cards, a card that is slowed down, and memory that cannot be had', async () => {
    const { gpu, look } = await gpuBox(
      { maxSessions: 2 },
      {
        ...facts,
        devices: [h100, [...h100.slice(0, 4), 'CUDA error: out of memory']],
      },
    )
    gpu.processes(['GPU-fa4e0000-0000-4000-8000-000000000000, 4194300, python, 512'])
    gpu.set({ 'clocks_throttle_reasons.active': '0x0000000000000080' }, 1)
    const item = await look()
    expect(item('audit.gpu-free')).toMatchObject({ result: 'fail', severity: 'error' })
    expect(item('audit.gpu-free').evidence.summary).toMatch(
      /pid 4194300 python 512 MiB: (there is no such process|not seen)/,
    )
    expect(item('audit.gpu-health')).toMatchObject({ result: 'fail', severity: 'error' })
    expect(item('audit.own-interpreter')).toMatchObject({ result: 'fail' })
    expect(item('audit.own-interpreter').evidence.summary).toContain('out of memory')
    expect(item('audit.no-silent-cpu').result).toBe('fail')
    expect(item('audit.ssh-sessions')).toMatchObject({ result: 'fail', severity: 'warn' })
  })
})
