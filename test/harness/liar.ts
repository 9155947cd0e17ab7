import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import ssh2, { type AcceptConnection, type Session } from 'ssh2'
import { serverHostKey } from './host-key.ts'

/** What becomes of a piece of standard output, once the program has begun; null ends the stream there. */
export type Lie = (chunk: Buffer, push: (more: Buffer) => boolean) => Buffer | null

export interface Liar {
  readonly port: number
  /** Made anew for each command from now on; null: it tells the truth. */
  lie(next: (() => Lie) | null): void
  /** Commands that were lied to. */
  readonly told: number
  stop(): Promise<void>
}

/**
 * A FAKE: an SSH server of ssh2 that lets anybody in, runs each command for real on this machine, and changes what they
 * say on standard output. The beginning of a command is left as it is, so that the lie is about the answer.
 */
export async function startLiar(): Promise<Liar> {
  let lie: (() => Lie) | null = null
  let told = 0
  const clients = new Set<{ end(): void }>()
  const pids = new Set<number>()
  const server = new ssh2.Server({ hostKeys: [serverHostKey()] }, (client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('authentication', (context) => context.accept())
    client.on('session', (accept: AcceptConnection<Session>) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec()
        const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
        if (child.pid !== undefined) pids.add(child.pid)
        const own = lie?.() ?? null
        let hasBegun = false
        let isOver = false
        const push = (more: Buffer) => !isOver && !channel.destroyed && channel.write(more)
        channel.on('error', () => {})
        channel.stdin?.on?.('error', () => {})
        child.stdin.on('error', () => {})
        channel.pipe(child.stdin)
        child.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk))
        child.stdout.on('data', (chunk: Buffer) => {
          if (isOver) return
          if (own === null || !hasBegun) {
            const text = chunk.toString('latin1')
            const at = text.indexOf(' begin')
            const end = at < 0 ? -1 : text.indexOf('\n', at)
            if (own === null || end < 0) return void push(chunk)
            hasBegun = true
            told += 1
            push(chunk.subarray(0, end + 1))
            chunk = chunk.subarray(end + 1)
            if (chunk.byteLength === 0) return
          }
          const said = own(chunk, push)
          if (said === null) {
            isOver = true
            return
          }
          push(said)
        })
        child.on('close', (code, signal) => {
          if (child.pid !== undefined) pids.delete(child.pid)
          if (channel.destroyed) return
          if (signal !== null) channel.exit(signal.replace(/^SIG/, ''))
          else channel.exit(code ?? 1)
          channel.end()
        })
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    lie: (next) => {
      lie = next
    },
    get told() {
      return told
    },
    stop: async () => {
      for (const client of clients) client.end()
      for (const pid of pids)
        try {
          process.kill(-pid, 'SIGKILL')
        } catch {
          // It ended.
        }
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
