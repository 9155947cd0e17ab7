import type { RunScript } from '../remote/types.ts'
import type { SshConnection } from './connection.ts'
import { raceSignal } from './deadline.ts'
import { SshError } from './errors.ts'
import type { ControlLink } from './link.ts'

/**
 * The connection for bulk data, opened when it is first needed: on one connection, floods hold up every small request
 * (handbook ssh T11). It comes back at the next need, not by itself, and never without the control link.
 */
export class BulkLink {
  readonly #link: ControlLink
  readonly #runOn: (connection: SshConnection) => RunScript
  #opening: Promise<SshConnection> | null = null
  #connection: SshConnection | null = null

  constructor(link: ControlLink, runOn: (connection: SshConnection) => RunScript) {
    this.#link = link
    this.#runOn = runOn
  }

  /** @throws SshError, or the reason of the signal */
  async connection(signal: AbortSignal): Promise<SshConnection> {
    const control = await this.#link.connection(signal)
    if (this.#connection !== null && this.#connection.error === null) return this.#connection
    this.#opening ??= this.#open(control).finally(() => {
      this.#opening = null
    })
    return raceSignal(this.#opening, signal)
  }

  close(): void {
    this.#connection?.destroy(new SshError('The host was closed.', 'unreachable'))
  }

  async #open(control: SshConnection): Promise<SshConnection> {
    let opened: SshConnection | null = null
    try {
      opened = await this.#link.open('bulk')
      // One address may lead to several machines.
      await this.#link.check(this.#runOn(opened))
    } catch (error) {
      opened?.destroy(new SshError('It is not the machine of the control link.', 'identity'))
      if (error instanceof SshError) this.#link.pause(error)
      throw error
    }
    const connection = opened
    this.#connection = connection
    const end = () => connection.destroy(control.error as SshError)
    control.signal.addEventListener('abort', end, { once: true })
    void connection.ended.then(() => control.signal.removeEventListener('abort', end))
    if (control.signal.aborted) end()
    return connection
  }
}
