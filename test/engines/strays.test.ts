import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endSmokeStrays } from '../../src/engine/box/strays.ts'
import { countSurvivors } from '../../src/engine/box/survivors.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { busyboxTools } from '../harness/prepared-run.ts'

/** This machine, where a PATH names the tools. */
function toolsOf(path: string | undefined): Host {
  const host = createLocalHost()
  if (path === undefined) return host
  return Object.assign(Object.create(host) as Host, {
    script: ((source, args, options) =>
      host.script(source, args, { ...options, env: { PATH: path } })) as Host['script'],
  })
}

describe.each(['the tools of this machine', 'busybox alone'])('processes of a run, found by %s', (which) => {
  const home = mkdtempSync(join(tmpdir(), 'kx-strays-'))
  const tools = which === 'busybox alone' ? busyboxTools(home) : undefined
  if (tools === null && process.env.KX_REQUIRE_TOOLS === '1') throw new Error('busybox is not installed')

  it.skipIf(tools === null)(
    'are counted and ended by their own run id, wherever it stands in the environment',
    async () => {
      onTestFinished(() => rmSync(home, { recursive: true, force: true }))
      const host = toolsOf(tools ?? undefined)
      const start = (env: Record<string, string>) => {
        const child = spawn('sleep', ['600'], { env: { FIRST: 'something', ...env, LAST: 'thing' }, stdio: 'ignore' })
        onTestFinished(() => void child.kill('SIGKILL'))
        return child
      }
      const id = `run-${process.pid}-${which.length}`
      const stray = start({ KX_RUN_ID: id, KX_SMOKE: '1' })
      start({ KX_RUN_ID: id })
      start({ KX_RUN_ID: `${id}0`, KX_SMOKE: '1' })
      expect(await countSurvivors(host, id)).toBe(2)
      const ended = once(stray, 'exit')
      expect(await endSmokeStrays(host, id)).toBe(1)
      expect((await ended)[1]).toBe('SIGKILL')
      expect(await countSurvivors(host, id)).toBe(1)
      await host.close()
    },
  )
})
