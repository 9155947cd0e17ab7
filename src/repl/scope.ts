import { proxiedHost } from '../host/proxy/client.ts'
import type { Wire } from '../host/proxy/wire.ts'
import type { ExecOptions, Host } from '../host/types.ts'
import { loadZx } from '../host/zx/load.ts'
import { type HostDollar, type HostShell, hostShell } from '../host/zx/shell.ts'
import type { Calls } from './calls.ts'
import { displayHelpers } from './display/helpers.ts'
import { type Display, displaySymbol, withDisplay } from './display/symbol.ts'
import type { CommandFact, ScopeFacts, WorkerSetup } from './types.ts'

/** What is in scope at the prompt, and how it is kept up to date. */
export interface Scope {
  setFacts(facts: ScopeFacts): void
  /** Loads zx, and the shells of hosts that are named, so that `$` can answer at once. */
  loadShells(source: string): Promise<void>
}

const localName = 'local'
const mostRead = 1024 * 1024

/** Puts the names of the scope on the global object, where a `const` of the person's own may stand before them. */
export function makeScope(setup: WorkerSetup, calls: Calls, wire: Wire): Scope {
  let facts = setup.facts
  const opened = new Map<string, Promise<Host>>()
  /** The connection stays in the main process; here is only its other end. */
  const hostOf = (name: string): Promise<Host> => {
    let host = opened.get(name)
    if (host === undefined) {
      host = calls
        .call('host.open', name)
        .then((lane) => proxiedHost(wire, String(lane), { name, kind: name === localName ? 'local' : 'ssh' }))
      // The next call asks again: a host that was away may be back.
      host.catch(() => opened.delete(name))
      opened.set(name, host)
    }
    return host
  }
  const shells = new Map<string, HostShell>()
  const put = (names: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(names))
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
  const shellOf = async (name: string): Promise<HostShell> => {
    const known = shells.get(name)
    if (known !== undefined) return known
    await showOutputs()
    const made = await hostShell(await hostOf(name))
    shells.set(name, made)
    return made
  }
  /** `$` of a host that is found when it is called: the current one may be another by then. */
  const dollar = (nameNow: () => string) => {
    const call = (first: TemplateStringsArray, ...args: unknown[]): unknown => {
      const shell = shells.get(nameNow())
      const run = (made: HostShell) => (made.$ as (...all: unknown[]) => unknown)(first, ...args)
      return shell === undefined ? shellOf(nameNow()).then(run) : run(shell)
    }
    return call as HostDollar
  }
  const on = (name: unknown) => {
    if (typeof name !== 'string' || name === '') throw new TypeError('on(host) wants the name of a host')
    const at =
      <A extends unknown[], R>(act: (host: Host, ...args: A) => Promise<R>) =>
      async (...args: A) =>
        act(await hostOf(name), ...args)
    return withDisplay(
      {
        name,
        $: dollar(() => name),
        exec: at((host, argv: readonly string[], options?: ExecOptions) => host.exec(argv, options)),
        script: at((host, source: string, args: readonly string[] = []) => host.script(source, args)),
        read: at(async (host, path: string) =>
          new TextDecoder().decode((await host.read(path, 0, mostRead)) ?? undefined),
        ),
        list: at((host, path: string) => host.list(path)),
        stat: at((host, path: string) => host.stat(path)),
      },
      { kind: 'text', text: `host ${name}` },
    )
  }
  const setFacts = (now: ScopeFacts) => {
    facts = now
    put({
      hosts: now.hosts,
      run: now.run,
      plan: now.plan,
      profile: now.profile,
      cells: asTable(now.cells as readonly object[]),
    })
  }
  put({
    $: dollar(() => facts.host),
    local$: dollar(() => localName),
    on,
    use: async (name: unknown) => {
      await calls.call('scope.use', String(name))
      return on(String(name))
    },
    runs: async () => asTable((await calls.call('scope.runs')) as readonly object[]),
    samples: async (name?: unknown, sinceMs?: unknown) => samplesOf(calls, name, sinceMs),
    sh: async (line: unknown, host?: unknown) =>
      shown((await calls.call('scope.sh', host === undefined ? null : String(host), String(line))) as ShellText),
    compare: async (...runs: readonly unknown[]) => shownResult(calls, 'compare.runs', { runs: runs.map(runName) }),
    kx: commandTree(setup.commands, calls),
    ...displayHelpers,
  })
  setFacts(facts)
  return {
    setFacts,
    loadShells: async (source) => {
      const named = [...source.matchAll(/\bon\(\s*['"`]([^'"`]+)['"`]/g)].flatMap((found) => found[1] ?? [])
      // A host that is away is said by the call that needs it.
      const isLocalUsed = /\blocal\$/.test(source)
      await Promise.allSettled([facts.host, ...(isLocalUsed ? [localName] : []), ...named].map(shellOf))
    },
  }
}

interface ShellText {
  readonly text: string
  readonly exitCode: number | null
  readonly ending: string
}

const shown = (result: ShellText) => {
  const note =
    result.exitCode === 0 ? '' : `${result.text === '' || result.text.endsWith('\n') ? '' : '\n'}${result.ending}`
  return withDisplay({ ...result }, { kind: 'text', text: `${result.text}${note}`, isError: result.exitCode !== 0 })
}

/** Rows with a table to show them by; they stay a plain array for whoever works with them. */
function asTable(rows: readonly object[]): readonly object[] {
  const columns = [...new Set(rows.slice(0, 50).flatMap((row) => Object.keys(row)))]
  const display: Display =
    columns.length === 0
      ? { kind: 'text', text: 'none' }
      : {
          kind: 'table',
          columns,
          rows: rows.slice(-200).map((row) => columns.map((name) => Reflect.get(row, name))),
        }
  return withDisplay([...rows], display)
}

async function samplesOf(calls: Calls, name: unknown, sinceMs: unknown): Promise<unknown> {
  if (name === undefined) return calls.call('scope.samples')
  const points = (await calls.call('scope.samples', String(name), sinceMs)) as readonly { readonly mean: number }[]
  return withDisplay([...points], {
    kind: 'chart',
    title: String(name),
    series: [{ name: '', values: points.map((point) => point.mean) }],
  })
}

/** What a command says, with its data for whoever goes on with it. */
async function shownResult(calls: Calls, id: string, args: object): Promise<unknown> {
  const result = (await calls.call('command', id, args)) as {
    readonly exitCode: number
    readonly summary: string
    readonly lines: readonly string[]
  }
  const text = [result.summary, ...result.lines].join('\n')
  return withDisplay(result, { kind: 'text', text, isError: result.exitCode !== 0 })
}

/** A run as `compare` takes it: its id or path, or an object of `run` or `runs()`. */
function runName(run: unknown): string {
  const of = typeof run === 'object' && run !== null ? (run as { runId?: unknown }).runId : run
  if (typeof of !== 'string' || of === '')
    throw new TypeError('compare(a, b) wants ids or paths of runs, or runs themselves')
  return of
}

/** `patrol.tick` as `kx.patrol.tick`, and `meter.write-off` as `kx.meter.writeOff`. */
function commandTree(commands: readonly CommandFact[], calls: Calls): object {
  const tree: Record<string, unknown> = {}
  for (const { id, positional } of commands) {
    const words = id.split('.').map((word) => word.replace(/-([a-z])/g, (_all, c: string) => c.toUpperCase()))
    let at = tree
    for (const word of words.slice(0, -1)) {
      at[word] ??= {}
      at = at[word] as Record<string, unknown>
    }
    const act = async (...given: unknown[]) => shownResult(calls, id, argumentsOf(id, positional, given))
    at[words.at(-1) ?? id] = Object.defineProperty(act, 'name', { value: id })
  }
  return tree
}

/** An object of arguments, or values in the order of the command line. */
function argumentsOf(id: string, positional: readonly string[], given: readonly unknown[]): object {
  const [first, ...more] = given
  if (given.length === 0) return {}
  if (more.length === 0 && first !== null && typeof first === 'object' && !Array.isArray(first)) return first
  if (given.length > positional.length)
    throw new TypeError(
      `${id} takes ${positional.length === 0 ? 'no values in order' : positional.join(', ')}: give the rest as an object`,
    )
  return Object.fromEntries(given.map((value, at) => [positional[at], value]))
}

let areOutputsShown = false

/** What a command printed is shown as it was printed, with how it ended where that was not well. */
async function showOutputs(): Promise<void> {
  const zx = await loadZx()
  if (areOutputsShown) return
  areOutputsShown = true
  Object.defineProperty(zx.ProcessOutput.prototype, displaySymbol, {
    configurable: true,
    value: function show(this: InstanceType<typeof zx.ProcessOutput>): Display {
      const isGood = this.exitCode === 0
      const text = this.stdall.replace(/\n$/, '')
      const cause = this.cause instanceof Error ? this.cause.message : ''
      const ending =
        this.exitCode === null
          ? this.signal === null
            ? `how it ended is unknown${cause === '' ? '' : `: ${cause}`}`
            : `ended by ${this.signal}`
          : `exit ${this.exitCode}`
      return { kind: 'text', text: isGood ? text : `${text}${text === '' ? '' : '\n'}${ending}`, isError: !isGood }
    },
  })
}
