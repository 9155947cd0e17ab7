import type { RunScript } from '../remote/types.ts'
import type { ExecResult } from '../types.ts'
import type { SshConnection } from './connection.ts'
import { within } from './deadline.ts'
import { SshError } from './errors.ts'
import type { ControlLink } from './link.ts'
import { scriptsOver } from './scripts-over.ts'

const defaultSeconds = 30

/**
 * One script over a connection that is made for it and given up after it: a server counts channels by connection, so what
 * is to end a command need not wait for the channel that this very command holds (`MaxSessions 1`).
 */
export function runAside(link: ControlLink, ...[source, args, given]: Parameters<RunScript>): Promise<ExecResult> {
  const over = new SshError('It was made for one script.', 'unreachable')
  let connection: SshConnection | null = null
  let isLate = false
  const work = async (): Promise<ExecResult> => {
    connection = await link.open('bulk')
    try {
      if (isLate) throw over
      const run = scriptsOver(connection)
      // One address may lead to several machines: a signal goes to the one that it is meant for.
      await link.check(run)
      return await run(source, args, given)
    } finally {
      connection.destroy(over)
    }
  }
  return within(work(), given.timeoutSeconds ?? defaultSeconds, () => {
    isLate = true
    connection?.destroy(over)
    return new SshError('The host did not let kx in once more to end what runs.', 'unreachable')
  })
}
