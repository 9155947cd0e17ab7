import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSshHost } from '../../../src/host/ssh/host.ts'
import type { SshHost } from '../../../src/host/ssh/types.ts'
import { type Sshd, startSshd } from '../../harness/sshd.ts'

/** A server of its own, a folder for both ends, and the link to it. */
export interface Place {
  readonly sshd: Sshd
  readonly port: number
  readonly folder: string
  /** Options that make the system's ssh, scp, sftp and rsync use this server's keys and nothing of the user's. */
  readonly options: readonly string[]
  /** @param through another port that leads to the server */
  host(through?: number): SshHost
  stop(): Promise<void>
}

/** @param roundTripMs added to the link by a proxy; 0: none is in the way */
export async function openPlace(roundTripMs = 0): Promise<Place> {
  const sshd = await startSshd()
  const proxy = roundTripMs > 0 ? await startFarLink(sshd.port, roundTripMs / 2) : null
  const port = proxy?.port ?? sshd.port
  const folder = mkdtempSync(join(tmpdir(), 'kx-bench-'))
  const hosts: SshHost[] = []
  return {
    sshd,
    port,
    folder,
    options: [
      ...['-F', 'none', '-o', 'IdentitiesOnly=yes', '-i', sshd.clientKey.path],
      ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    ],
    host: (through = port) => {
      const host = createSshHost({
        name: 'box',
        hops: [
          {
            address: sshd.address,
            port: through,
            user: sshd.user,
            identityFiles: [sshd.clientKey.path],
            identitiesOnly: true,
            agentSocket: null,
          },
        ],
        verify: (_host, _port, type, base64) => {
          const isAccepted = readFileSync(sshd.knownHostsFile, 'utf8').includes(`${type} ${base64}`)
          return { isAccepted, words: [] }
        },
      })
      hosts.push(host)
      return host
    },
    stop: async () => {
      for (const host of hosts) await host.close()
      proxy?.stop()
      await sshd.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A proxy in a process of its own. */
async function startFarLink(port: number, delayMs: number): Promise<{ readonly port: number; stop(): void }> {
  const path = join(import.meta.dirname, 'proxy.ts')
  const child = spawn(process.execPath, [path, String(port), String(delayMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code}`)))
    child.stdout.setEncoding('utf8').once('data', resolve)
  })
  return { port: Number(said), stop: () => child.stdin.end() }
}

/** Seconds that a program takes. Throws when it does not end with 0: a peer that failed has no time. */
export async function timed(program: string, args: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`)
  return (performance.now() - began) / 1000
}

export const hasProgram = (name: string) =>
  ['/usr/bin', '/bin', '/usr/local/bin'].some((at) => existsSync(join(at, name)))
