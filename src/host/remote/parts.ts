import type { Host } from '../types.ts'
import { listRemote, statRemote } from './entries.ts'
import { readRemote, sha256Remote, writeRemote } from './files.ts'
import { identityRemote } from './identity.ts'
import { isAliveRemote, killRemote } from './process.ts'
import { tailRemote } from './tail.ts'
import { removeTreeRemote } from './tree.ts'
import type { RemoteParts, RunScript } from './types.ts'

/**
 * The part of a host that is the same whichever way its shell is reached: files and processes by POSIX sh scripts that
 * run in dash, bash and busybox with GNU or busybox tools. Every answer is parsed strictly: what cannot be told is
 * `unknown` or an error, never a guess. An end that nobody saw is a HostError with code `ENOLINK`.
 */
export function remoteHostParts(name: string, run: RunScript): RemoteParts {
  return {
    identity: (signal) => identityRemote(name, run, signal),
    stat: (path) => statRemote(run, path),
    list: (path) => listRemote(run, path),
    read: (path, offset, length) => readRemote(run, path, offset, length),
    tail: (path, from, length) => tailRemote(run, path, from, length),
    write: (path, bytes, mode) => writeRemote(run, path, bytes, mode),
    sha256: (path, signal) => sha256Remote(run, path, signal),
    kill: (process, graceSeconds) => killRemote(run, process, graceSeconds),
    isAlive: (process) => isAliveRemote(run, process),
    removeTree: (path, mustBeUnder) => removeTreeRemote(run, path, mustBeUnder),
  }
}

/** `RunScript` over the `exec` of a host: the script is an argument, so standard input is free for data. */
export const scriptRunner =
  (exec: Host['exec']): RunScript =>
  (source, args, options) =>
    exec(['sh', '-c', source, 'sh', ...args], options)
