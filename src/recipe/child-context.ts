import { proxiedHost } from '../host/proxy/client.ts'
import type { Wire } from '../host/proxy/wire.ts'
import { type HostDollar, hostShell } from '../host/zx/shell.ts'
import type { CellContext, KxAnswer } from './contract.ts'
import { CellFailed } from './failed.ts'
import type { AskedCell, FromChild } from './messages.ts'
import { type PlainScope, scopes } from './plain-scope.ts'

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export interface ContextDeps {
  readonly wire: Wire
  readonly signal: AbortSignal
  tell(message: FromChild): void
  /** Asks kx for something, and waits for the answer. */
  request(message: Without<Extract<FromChild, { seq: number }>, 'seq'>): Promise<unknown>
}

/** What a question of kx gives a cell to work with. `close` ends what it still has running, on the hosts. */
export async function askContext(
  id: number,
  asked: AskedCell,
  { wire, signal, tell, request }: ContextDeps,
): Promise<{ context: CellContext<Record<string, unknown>>; close(): Promise<void> }> {
  const there = proxiedHost(wire, `${id}:there`, asked.host)
  const here = proxiedHost(wire, `${id}:here`, { name: 'local', kind: 'local' })
  const onLog = (entry: { kind: string; verbose?: boolean; data?: unknown }) => {
    if (entry.verbose === true && (entry.kind === 'stdout' || entry.kind === 'stderr'))
      tell({ from: 'out', id, stream: entry.kind, bytes: entry.data as Uint8Array })
  }
  const [shell, localShell] = await Promise.all([hostShell(there, { onLog }), hostShell(here, { onLog })])
  const $ = shell.$({ signal })
  const local$ = localShell.$({ signal })
  const results: Record<string, Record<string, unknown>> = structuredClone(asked.results) as never
  const context: CellContext<Record<string, unknown>> = {
    $,
    local$,
    host: {
      name: there.name,
      identity: (s) => there.identity(s ?? signal),
      script: (source, args, options) => there.script(source, args, { signal, ...options }),
      stat: there.stat,
      list: there.list,
      read: there.read,
      tail: there.tail,
      write: there.write,
      sha256: (path, s) => there.sha256(path, s ?? signal),
      kill: there.kill,
      isAlive: there.isAlive,
      removeTree: there.removeTree,
      profile: asked.host.profile,
      folder: asked.host.folder,
      tiers: asked.host.tiers,
      mirrors: asked.host.mirrors,
    },
    parameters: asked.parameters,
    run: asked.run,
    signal,
    targets: asked.targets,
    results,
    say: (line) => tell({ from: 'say', id, line: String(line) }),
    record: async (name, value) => {
      // As it would come back after a crash, and an error now if it could not.
      const kept = JSON.parse(JSON.stringify(value)) as unknown
      await request({ from: 'record', id, name, value: kept })
      results[asked.cell] = { ...results[asked.cell], [name]: kept }
    },
    kx: async (commandId, args = {}) => (await request({ from: 'kx', id, commandId, args })) as KxAnswer,
    fail: (what, next) => {
      throw new CellFailed(what, next)
    },
  }
  const scope: PlainScope = {
    context,
    bound: { $: $ as HostDollar, local$ },
    question: async (text) => (await request({ from: 'question', id, text })) as string,
  }
  scopes.set(context as never, scope)
  const close = async () => {
    await Promise.allSettled([shell.close(), localShell.close()])
    await Promise.allSettled([there.close(), here.close()])
  }
  return { context, close }
}
