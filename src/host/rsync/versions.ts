import { execFile } from 'node:child_process'
import { prologue } from '../remote/answer.ts'
import type { Host } from '../types.ts'
import { oldestHere, oldestThere, type RsyncFound, readVersion } from './rules.ts'

/** What our own rsync gets to see: no option of the user's (RSYNC_*, ~/.popt) may change what it does. */
export const rsyncEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH ?? '', LC_ALL: 'C' })

export const rsyncHere = (): Promise<RsyncFound> =>
  new Promise((resolve) => {
    execFile('rsync', ['--version'], { timeout: 10_000, env: rsyncEnvironment() }, (_error, stdout) =>
      resolve(readVersion(stdout, oldestHere)),
    )
  })

const known = new WeakMap<Host, Promise<RsyncFound>>()

/** Asked once a connection. A host that did not say is asked again. */
export function rsyncThere(host: Host, signal: AbortSignal): Promise<RsyncFound> {
  const found = known.get(host) ?? ask(host, signal)
  known.set(host, found)
  return found
}

async function ask(host: Host, signal: AbortSignal): Promise<RsyncFound> {
  const ran = await host.exec(['sh', '-c', `${prologue}rsync --version 2>/dev/null | head -n 1`], {
    timeoutSeconds: 30,
    maxBytes: 4096,
    signal,
  })
  signal.throwIfAborted()
  if (ran.ending.kind === 'exited') return readVersion(Buffer.from(ran.stdout).toString('latin1'), oldestThere)
  known.delete(host)
  return { kind: 'none', reason: 'the host did not say which it is' }
}
