import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { HostIdentity } from '../walk/proof.ts'
import { childEnvironment, withheldFromChildren } from './child-environment.ts'
import { HostError } from './errors.ts'
import { KeptShells } from './kept-shell.ts'
import { execLocal } from './local-exec.ts'
import { listLocal, readLocal, removeTreeLocal, sha256Local, statLocal, tailLocal, writeLocal } from './local-files.ts'
import { bootId, isLocalAlive, killLocal } from './local-process.ts'
import { spawnLocal } from './local-spawn.ts'
import { canBeKept, scriptInput } from './script.ts'
import type { ExecOptions, Host } from './types.ts'

export interface LocalHostOptions {
  /** Environment that commands start from; default: the one of this process at the time of the call, without secrets. */
  readonly env?: NodeJS.ProcessEnv
  /** Name as the plan knows it; default `local`. */
  readonly name?: string
}

/** This machine as a host. Commands run in process groups of their own; see `execLocal` for how they end. */
export function createLocalHost(options: LocalHostOptions = {}): Host {
  const name = options.name ?? 'local'
  // One controller a call, not AbortSignal.any on one of the host: kx stays open for days.
  const running = new Set<AbortController>()
  const environment = () => options.env ?? childEnvironment()
  const shells = new KeptShells(environment)
  let isClosed = false
  const exec = async (argv: readonly string[], given: ExecOptions = {}) => {
    if (isClosed) throw new HostError(`Host ${name} is closed: open it again before running anything.`)
    const controller = new AbortController()
    const onAbort = () => controller.abort()
    if (given.signal?.aborted === true) onAbort()
    given.signal?.addEventListener('abort', onAbort, { once: true })
    running.add(controller)
    try {
      return await execLocal(argv, { ...given, signal: controller.signal }, environment())
    } finally {
      running.delete(controller)
      given.signal?.removeEventListener('abort', onAbort)
    }
  }
  return {
    name,
    kind: 'local',
    ...(options.env === undefined ? { withholds: () => withheldFromChildren() } : {}),
    identity: async (signal) => {
      signal?.throwIfAborted()
      return localIdentity(name)
    },
    exec,
    script: (source, args, given = {}) =>
      (canBeKept(given) && !isClosed ? shells.run(source, args, given) : null) ??
      exec(['sh', '-s', '--', ...args], { ...given, stdin: scriptInput(source) }),
    spawn: async (argv, given) => {
      if (isClosed) throw new HostError(`Host ${name} is closed: open it again before running anything.`)
      return await spawnLocal(argv, given, environment())
    },
    stat: statLocal,
    list: listLocal,
    read: readLocal,
    tail: tailLocal,
    write: writeLocal,
    sha256: sha256Local,
    kill: killLocal,
    isAlive: isLocalAlive,
    removeTree: removeTreeLocal,
    close: async () => {
      isClosed = true
      shells.close()
      for (const controller of running) controller.abort()
    },
  }
}

/** Neither changes while a process of this machine lives. Kept only once both are known. */
let machine: { readonly machineId: string; readonly bootId: string } | null = null

async function localIdentity(name: string): Promise<HostIdentity> {
  const known = machine ?? { machineId: await machineId(), bootId: await bootId() }
  const { machineId: id, bootId: boot } = known
  if (id !== null && boot !== null) machine = { machineId: id, bootId: boot }
  return { host: name, hostname: hostname(), ...known, user: String(process.getuid?.() ?? 'unknown') }
}

async function machineId(): Promise<string | null> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const text = (await readFile(path, 'utf8')).trim()
      if (/^[0-9a-f]{32}$/.test(text)) return text
    } catch {
      // Not there, or not for us: the next one, else not known.
    }
  }
  return null
}
