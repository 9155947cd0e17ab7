import type { SshConnection } from './connection.ts'
import type { RemoteProcess } from './process.ts'
import { RemoteShell } from './shell.ts'

/** Each holds a channel, of which there are few. */
const mostShells = 2

/** The kept shells of a host: a script that is asked again goes to one that is at rest, or to a new one. */
export class KeptRemoteShells {
  readonly #end: (process: RemoteProcess, why: string) => Promise<void>
  #connection: SshConnection | null = null
  #shells: RemoteShell[] = []
  #opening = 0

  constructor(end: (process: RemoteProcess, why: string) => Promise<void>) {
    this.#end = end
  }

  /** Null when there are enough, or channels are short: the caller then runs its script in the usual way. */
  async free(connection: SshConnection, signal: AbortSignal): Promise<RemoteShell | null> {
    if (this.#connection !== connection) {
      this.#connection = connection
      this.#shells = []
    }
    this.#shells = this.#shells.filter((shell) => !shell.isOver)
    const free = this.#shells.find((each) => each.isFree)
    if (free !== undefined) return free
    const { taken, limit } = connection.slots
    // Room is left for a command and a kill.
    if (this.#shells.length + this.#opening >= mostShells || taken + 2 >= limit) return null
    this.#opening += 1
    try {
      const shell = await RemoteShell.open(connection, this.#end, signal)
      this.#shells.push(shell)
      return shell.isFree ? shell : null
    } finally {
      this.#opening -= 1
    }
  }

  /** Somebody waits for a channel: one that is at rest is given back. */
  makeRoom(): void {
    const free = this.#shells.find((each) => each.isFree)
    this.#shells = this.#shells.filter((each) => each !== free)
    free?.close()
  }

  close(): void {
    for (const shell of this.#shells) shell.close()
    this.#shells = []
  }
}
