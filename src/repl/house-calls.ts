import { serveHost } from '../host/proxy/server.ts'
import type { Wire } from '../host/proxy/wire.ts'
import type { Host } from '../host/types.ts'
import type { ReplHouse } from './house.ts'
import { endingWords, runShellLine } from './shell-lines.ts'
import type { FromWorker, ScopeFacts } from './types.ts'

export interface HouseCallsOptions {
  readonly house: ReplHouse
  /** The worker is told what is so now. */
  readonly onFacts: (facts: ScopeFacts) => void
  /** For calls of this entry; of one that is over, nobody gives up. */
  readonly signalOf: (cell: number) => AbortSignal
}

/** What the worker asks of the main process: hosts, which stay here, the run, and commands behind their gates. */
export class HouseCalls {
  readonly #options: HouseCallsOptions
  readonly #lanes = new Map<string, { readonly wire: Wire; readonly lane: string }>()
  readonly #hosts = new Map<string, Promise<Host>>()
  #facts: ScopeFacts | null = null
  #chosenHost: string | null = null

  constructor(options: HouseCallsOptions) {
    this.#options = options
  }

  get facts(): ScopeFacts | null {
    return this.#facts
  }
  /** Host that `$` and `!` mean now; null before it is known. */
  get host(): string | null {
    return this.#chosenHost ?? this.#facts?.host ?? null
  }

  async answer(call: Extract<FromWorker, { type: 'call' }>, wire: Wire): Promise<unknown> {
    const { house, signalOf } = this.#options
    const [first, second] = call.args
    const signal = signalOf(call.cell)
    switch (call.name) {
      case 'host.open': {
        const name = String(first)
        const known = this.#lanes.get(name)
        if (known?.wire === wire) return known.lane
        const host = await this.hostOf(name, signal)
        const lane = `host ${name}`
        serveHost(host, wire, lane)
        this.#lanes.set(name, { wire, lane })
        return lane
      }
      case 'scope.use':
        await this.hostOf(String(first), signal)
        this.#chosenHost = String(first)
        await this.renewFacts()
        return null
      case 'scope.runs':
        return house.runs()
      case 'scope.samples':
        return house.samples(first === undefined ? null : String(first), typeof second === 'number' ? second : null)
      case 'scope.sh':
        return this.#sh(first === null ? null : String(first), String(second), signal)
      case 'command': {
        const result = await house.command(String(first), second, signal)
        const data = JSON.parse(JSON.stringify(result.data ?? null)) as unknown
        return { exitCode: result.exitCode, summary: result.summary, lines: result.lines ?? [], data }
      }
      default:
        throw new Error(`the prompt has no ${call.name}`)
    }
  }

  hostOf(name: string, signal: AbortSignal): Promise<Host> {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = this.#options.house.openHost(name, signal)
      // The next call asks again: a host that was away may be back.
      host.catch(() => this.#hosts.delete(name))
      this.#hosts.set(name, host)
    }
    return host
  }

  async renewFacts(): Promise<void> {
    const found = await this.#options.house.facts()
    const facts = this.#chosenHost === null ? found : { ...found, host: this.#chosenHost }
    if (facts === this.#facts) return
    this.#facts = facts
    this.#options.onFacts(facts)
  }

  /** The worker went, and with it the other end of every lane. */
  forgetLanes(): void {
    this.#lanes.clear()
  }

  async close(): Promise<void> {
    for (const host of await Promise.allSettled(this.#hosts.values()))
      if (host.status === 'fulfilled') await host.value.close()
    this.#hosts.clear()
  }

  async #sh(name: string | null, command: string, signal: AbortSignal) {
    if (name === null) await this.renewFacts()
    const done = await runShellLine(await this.hostOf(name ?? this.host ?? 'local', signal), command, { signal })
    const decoder = new TextDecoder()
    const { ending } = done
    return {
      text: decoder.decode(done.stdout) + decoder.decode(done.stderr),
      exitCode: ending.kind === 'exited' ? ending.code : null,
      ending: endingWords(ending),
    }
  }
}
