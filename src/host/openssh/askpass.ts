import { randomBytes } from 'node:crypto'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { sanitise } from '../../text/sanitise.ts'
import { shellQuote } from '../../text/shell.ts'

/** Longer questions are no questions. */
const maxPromptBytes = 4096

// Run by `ssh` in place of a question on the terminal: sends the question to kx, prints the answer, keeps nothing.
const asker = `import { connect } from 'node:net'
const socket = connect(process.argv[2])
let said = ''
socket.setEncoding('utf8').on('data', (chunk) => { said += chunk })
socket.on('error', () => process.exit(1))
socket.on('end', () => {
  const { answer } = JSON.parse(said || '{"answer":null}')
  if (answer === null) process.exit(1)
  process.stdout.write(answer + '\\n')
})
socket.write(JSON.stringify({ prompt: process.argv[3] ?? '', kind: process.env.SSH_ASKPASS_PROMPT ?? '' }) + '\\n')
`

export interface AskpassServer {
  /** For the environment of `ssh`. */
  readonly env: Readonly<Record<string, string>>
  /** Questions that a person has before them now. */
  readonly open: () => number
  close(): Promise<void>
}

/**
 * Lets `ssh` ask kx instead of the terminal. The answer goes over a socket in a folder that only this user can open:
 * never in an argument, an environment or a file. One connection's questions end with it (`signal`).
 */
export async function startAskpass(
  folder: string,
  ask: (prompt: string, signal: AbortSignal) => Promise<string | null>,
  signal: AbortSignal,
): Promise<AskpassServer> {
  const id = randomBytes(4).toString('hex')
  const [socketPath, program, script] = ['s', '', '.mjs'].map((end) => join(folder, `ask-${id}${end}`)) as [
    string,
    string,
    string,
  ]
  await writeFile(script, asker, { mode: 0o600 })
  const words = [process.execPath, script, socketPath].map(shellQuote).join(' ')
  await writeFile(program, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o700 })
  let open = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let said = ''
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const isAsked = said.includes('\n')
      said += chunk
      if (said.length > maxPromptBytes) socket.destroy()
      else if (!isAsked && said.includes('\n')) void answer(socket, said)
    })
  })
  const answer = async (socket: Socket, said: string) => {
    open += 1
    try {
      const { prompt, kind } = JSON.parse(said) as { prompt: string; kind: string }
      // `none` only tells something, such as to touch a key: kx shows no box that nobody has to answer.
      const given = kind === 'none' ? '' : await ask(sanitise(prompt).trim(), signal)
      socket.end(JSON.stringify({ answer: signal.aborted || given?.includes('\n') ? null : given }))
    } catch {
      socket.end(JSON.stringify({ answer: null }))
    } finally {
      open -= 1
    }
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, () => resolve())
  })
  await chmod(socketPath, 0o600)
  return {
    env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: process.env.DISPLAY ?? 'kx:0' },
    open: () => open,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await Promise.all([socketPath, program, script].map((path) => rm(path, { force: true })))
    },
  }
}
