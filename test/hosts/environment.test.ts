import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../src/audit/service.ts'
import { plannedEnvironment } from '../../src/environment/place.ts'
import { syncStep } from '../../src/environment/service.ts'
import { type SyncStep, syncSteps } from '../../src/environment/types.ts'
import { usableEnvironment } from '../../src/environment/use.ts'
import { createSshHost } from '../../src/host/ssh/host.ts'
import type { ActContext } from '../../src/run/act.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { contextWith, localProfile } from '../unit/audit/support.ts'
import { hopTo, quick, text, trusting } from './ssh/support.ts'

const six = `six==1.17.0 \\
    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274 \\
    --hash=sha256:ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81
`

/** Packages come from the index for real: without it there is nothing to show. */
async function needsIndex(): Promise<boolean> {
  try {
    const answer = await fetch('https://pypi.org/simple/six/', { signal: AbortSignal.timeout(15_000) })
    if (answer.ok) return true
  } catch {
    // Said below.
  }
  const reason = 'the package index does not answer: the environment cannot be synced for real'
  if (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1') throw new Error(reason)
  console.warn(`skipped: ${reason}`)
  return false
}

const plan = {
  command: ['python', 'train.py'],
  environment: { kind: 'uv', requirements: 'requirements.txt' },
}

describe.skipIf(needsSshd().skip || !(await needsIndex()))('packages of a plan on a machine behind SSH', () => {
  let sshd: Sshd
  beforeAll(async () => {
    // What this machine needs to reach the index, the box needs too.
    const passed = Object.entries(process.env).filter(([name]) =>
      /^(?:PIP_|UV_|SSL_CERT_|REQUESTS_CA_|HTTPS?_PROXY|https?_proxy)/.test(name),
    )
    sshd = await startSshd({ env: Object.fromEntries(passed) as Record<string, string> })
  })
  afterAll(() => sshd?.stop())
  const reach = () => createSshHost({ name: 'box', hops: [hopTo(sshd)], verify: trusting(sshd), timing: quick })
  const context = (
    files: Readonly<Record<string, string>> = { 'requirements.txt': six },
    environment = plan.environment,
  ) => contextWith({ host: reach, files, plan: { ...plan, environment } })
  const sync = async (ctx: ActContext) => {
    const results: { step: SyncStep; summary: string; exitCode: number; wasDone: unknown }[] = []
    for (const step of syncSteps) {
      const { summary, exitCode, data } = await syncStep(ctx, step)
      results.push({ step, summary, exitCode, wasDone: (data as { wasDone?: unknown }).wasDone })
      if (exitCode !== 0) break
    }
    return results
  }

  it('are brought step by step, with uv itself, and found there the next time', async () => {
    const ctx = await context()
    expect(await usableEnvironment(ctx)).toMatchObject({ kind: 'refused', why: expect.stringContaining('kx env') })
    const before = await audit(ctx, { only: ['audit.installer'] })
    expect(before.proof?.items.find((item) => item.id === 'audit.installer')?.evidence.summary).toContain('not synced')

    const first = await sync(ctx)
    expect(
      first.map(({ exitCode }) => exitCode),
      JSON.stringify([first, ctx.said]),
    ).toEqual([0, 0, 0, 0])
    expect(first.slice(1).map(({ wasDone }) => wasDone)).toEqual([false, false, false])
    expect(
      ctx.said.some((line) => line.startsWith('$ ') && line.includes('pip sync') && line.includes('--require-hashes')),
    ).toBe(true)

    const planned = await plannedEnvironment(ctx)
    if (planned.kind !== 'uv') throw new Error(planned.kind)
    // Everything lies under the data tier of the box: its home has no cache and no interpreter of ours.
    expect(planned.place.folder.startsWith(`${sshd.home}/`)).toBe(true)
    expect(readdirSync(sshd.home).filter((name) => name === '.cache')).toEqual([])

    const second = await sync(ctx)
    expect(second.map(({ exitCode, wasDone }) => [exitCode, wasDone])).toEqual(Array(4).fill([0, true]))

    const usable = await usableEnvironment(ctx)
    if (usable.kind !== 'usable') throw new Error(usable.why)
    expect(ctx.loaded.plan.environmentVariables).toEqual({})
    const ran = await ctx.host.exec(['python', '-c', 'import six, sys; print(six.__version__, sys.prefix)'], {
      env: usable.plan.environmentVariables,
    })
    expect(text(ran.stdout)).toBe(`1.17.0 ${planned.place.venv}\n`)
    const after = await audit(ctx, { only: ['audit.installer'] })
    expect(after.proof?.items.find((item) => item.id === 'audit.installer')?.result).toBe('pass')
  })

  it('are not believed when they have changed, and are put right', async () => {
    const ctx = await context()
    await sync(ctx)
    const planned = await plannedEnvironment(ctx)
    if (planned.kind !== 'uv') throw new Error(planned.kind)
    rmSync(join(planned.place.venv, 'lib'), { recursive: true })
    const results = await sync(ctx)
    expect(results.at(-1)).toMatchObject({
      step: 'check',
      exitCode: 1,
      summary: expect.stringContaining('six: missing'),
    })
    expect((await usableEnvironment(ctx)).kind).toBe('refused')
    expect((await sync(ctx)).map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
    // Another list is another place.
    writeFileSync(join(ctx.loaded.projectFolder, 'requirements.txt'), six.replace('1.17.0', '1.16.0'))
    expect((await usableEnvironment(ctx)).kind).toBe('refused')
    const wrong = await sync(ctx)
    expect(wrong.at(-1)).toMatchObject({ step: 'packages', exitCode: 1, summary: expect.stringMatching(/hash/i) })
  })

  it('are unknown when the link is cut on the way, and there when asked for again', async () => {
    const ctx = await context({ 'requirements.txt': `${six}# another place\n` })
    expect((await syncStep(ctx, 'uv')).exitCode).toBe(0)
    const cutting = {
      ...ctx,
      cell: {
        ...ctx.cell,
        say: (line: string) => {
          if (line.includes(' venv ')) for (const pid of sshd.connectionPids()) process.kill(pid, 'SIGKILL')
        },
      },
    }
    const cut = await syncStep(cutting, 'venv')
    expect([cut.exitCode, cut.summary]).toEqual([4, expect.stringMatching(/lost|unknown/)])
    expect((await sync(ctx)).map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
  })

  it('are refused where they are loose, or would replace what an image was built with', async () => {
    const loose = await sync(await context({ 'requirements.txt': 'six>=1\n' }))
    expect(loose).toMatchObject([{ step: 'uv', exitCode: 1, summary: expect.stringContaining('exact pin') }])
    const ctx = await context({ 'requirements.txt': `torch==2.9.0\n${six}` })
    const launch = { ...localProfile.launch, interpreter: '/usr/bin/python3' }
    const onImage = { ...ctx, profile: { ...localProfile, launch } }
    expect((await syncStep(onImage, 'uv')).summary).toMatch(/would replace torch of the image/)
    writeFileSync(join(ctx.loaded.projectFolder, 'requirements.txt'), six)
    const results = await sync(onImage)
    expect(
      results.map(({ exitCode }) => exitCode),
      JSON.stringify(results),
    ).toEqual([0, 0, 0, 0])
    const usable = await usableEnvironment(onImage)
    if (usable.kind !== 'usable') throw new Error(usable.why)
    const seen = await ctx.host.exec(
      ['python', '-c', 'import sys; print(any("dist-packages" in p for p in sys.path))'],
      {
        env: usable.plan.environmentVariables,
      },
    )
    expect(text(seen.stdout)).toMatch(/^(True|False)\n$/)
  })

  it('are nothing to bring where the image is the environment', async () => {
    const ctx = await context({}, { kind: 'image', reference: 'registry.example/train@sha256:0' } as never)
    const result = await syncStep(ctx, 'uv')
    expect(result).toMatchObject({ exitCode: 0, summary: expect.stringContaining('nothing is installed into it') })
    expect(await usableEnvironment(ctx)).toMatchObject({ kind: 'usable', plan: ctx.loaded.plan })
  })
})
