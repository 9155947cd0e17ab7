import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { createLocalHost } from '../../src/host/local.ts'
import { execLocal } from '../../src/host/local-exec.ts'
import { remoteHostParts } from '../../src/host/remote/parts.ts'
import type { Host } from '../../src/host/types.ts'
import { describeHost } from './host-contract.ts'

describeHost('this machine', async () => ({ host: createLocalHost(), stop: async () => {} }))

/** This machine again, but looked at only through the scripts that other machines are looked at through. */
const throughShell = (shell: readonly string[], env: NodeJS.ProcessEnv): Host => {
  const host = createLocalHost({ name: 'by-shell' })
  return {
    ...host,
    ...remoteHostParts('by-shell', (source, args, options) => {
      const [program = '', ...flags] = shell
      return execLocal([program, ...flags, '-c', source, 'sh', ...args], options, env)
    }),
  }
}

const isThere = (program: string) => {
  const isFound = spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined
  if (!isFound && (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1'))
    throw new Error(`${program} is not installed: the remote scripts cannot be tried in it`)
  return isFound
}

describe.each([['dash'], ['bash'], ['bash', '--posix']])('scripts in %s %s', (...shell) => {
  if (!isThere(shell[0] as string)) return
  const words = shell.filter((word) => word !== undefined)
  describeHost(words.join(' '), async () => ({ host: throughShell(words, process.env), stop: async () => {} }), {
    isPartsOnly: true,
  })
})

if (isThere('busybox'))
  describeHost(
    'busybox with nothing but its own tools',
    async () => {
      const bin = mkdtempSync(join(tmpdir(), 'kx-busybox-'))
      const path = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
      for (const applet of execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n'))
        symlinkSync(path, join(bin, applet))
      return {
        host: throughShell([path, 'sh'], { PATH: bin }),
        stop: async () => rmSync(bin, { recursive: true, force: true }),
      }
    },
    { hasFineTimes: false, isPartsOnly: true },
  )
