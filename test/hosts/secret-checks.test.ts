import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { secretsItem } from '../../src/audit/items/secrets.ts'
import { startLook } from '../../src/audit/look.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { contextWith } from '../unit/audit/support.ts'

const value = `made-up-value-${process.pid} 'quoted' $HOME`
const servers: Sshd[] = []
const hosts: Host[] = []
beforeEach(() => {
  process.env.KX_TEST_CHECKED_TOKEN = value
})
afterEach(() => {
  delete process.env.KX_TEST_CHECKED_TOKEN
})
afterAll(async () => {
  for (const host of hosts.splice(0)) await host.close()
  for (const server of servers.splice(0)) await server.stop()
})

const kinds: readonly (readonly [string, () => Promise<Host>])[] = [
  ['local', async () => createLocalHost()],
  [
    'ssh',
    async () => {
      const sshd = await startSshd()
      servers.push(sshd)
      return tellingHost([hopTo(sshd)], trusting(sshd), {}).host
    },
  ],
]

describe.each(kinds)('the check of a secret on a %s host', (kind, open) => {
  it.skipIf(kind === 'ssh' && needsSshd().skip)(
    'passes, fails, or is not known where it hangs, and never shows the value',
    async () => {
      const host = await open()
      hosts.push(host)
      const seen = async (script: string) => {
        const name = 'KX_TEST_CHECKED_TOKEN'
        const ctx = await contextWith({
          host: () => host,
          plan: { secrets: [name], secretChecks: { [name]: ['sh', '-c', script] } },
        })
        const look = await startLook(ctx, () => Promise.reject(new Error('no interpreter is asked')))
        const argvs: string[] = []
        // A check that hangs is waited for, only not as long here.
        const exec: typeof look.exec = (argv, options) => {
          argvs.push(JSON.stringify(argv))
          return look.exec(argv, { ...options, timeoutSeconds: script.includes('sleep') ? 1 : 15 })
        }
        const looked = await secretsItem.look({ ...look, exec })
        expect(argvs).toHaveLength(1)
        const said = JSON.stringify([looked, argvs, ctx.said, ctx.run.state()])
        expect(said).not.toContain('made-up-value')
        return looked
      }
      // It passes with the very value alone, whatever it prints.
      const passed = await seen(
        `echo "$KX_TEST_CHECKED_TOKEN"; case $KX_TEST_CHECKED_TOKEN in "made-up-"*"'quoted' \\$HOME") ;; *) exit 3 ;; esac`,
      )
      expect(passed).toMatchObject({ result: 'pass' })
      const failed = await seen('echo "$KX_TEST_CHECKED_TOKEN" >&2; exit 22')
      expect(failed).toMatchObject({ result: 'fail' })
      expect(JSON.stringify(failed)).toContain('KX_TEST_CHECKED_TOKEN (exit code 22)')
      const hung = await seen('echo "$KX_TEST_CHECKED_TOKEN"; sleep 60')
      expect(hung).toMatchObject({ result: 'unknown' })
      expect(JSON.stringify(hung)).toContain('the check of KX_TEST_CHECKED_TOKEN')
    },
  )
})
