import { HostError, notBegun } from '../errors.ts'
import type { HostProcess } from '../types.ts'
import type { SshConnection } from './connection.ts'
import { Deadline } from './deadline.ts'
import { messageOf } from './errors.ts'
import { RemoteProcess } from './process.ts'
import type { SshSpawnOptions } from './types.ts'

/** A command whose streams are the caller's, over a connection that is made or waited for. See `Host.spawn`. */
export async function spawnOver(
  connect: (signal: AbortSignal) => Promise<SshConnection>,
  argv: readonly string[],
  given: SshSpawnOptions,
): Promise<HostProcess> {
  const seconds = given.startSeconds ?? 60
  const deadline = new Deadline(seconds, () => new HostError(`${argv[0]} did not begin within ${seconds} s.`))
  const giveUp = () => deadline.fail(new HostError(`${argv[0]} was given up before it began.`))
  if (given.signal?.aborted === true) giveUp()
  given.signal?.addEventListener('abort', giveUp, { once: true })
  try {
    let process: RemoteProcess
    try {
      const connection = await connect(deadline.signal)
      process = await RemoteProcess.start(connection, argv, given, deadline.signal)
    } catch (error) {
      if (error instanceof TypeError) throw error
      // Without a channel nothing was sent, so nothing can have begun.
      throw new HostError(messageOf(error), notBegun, error)
    }
    // From here on it may begin at any moment: giving up would leave it running unseen.
    given.signal?.removeEventListener('abort', giveUp)
    const identity = await deadline.race(process.begun).catch((error: unknown) => {
      process.close()
      throw error
    })
    return {
      identity,
      ending: process.ending,
      write: (bytes) => process.write(bytes),
      drained: () => process.drained(),
      endInput: () => process.endInput(),
      pause: () => process.pause(),
      resume: () => process.resume(),
      close: () => process.close(),
    }
  } finally {
    deadline.clear()
    given.signal?.removeEventListener('abort', giveUp)
  }
}
