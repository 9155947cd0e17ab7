import type { ProcessIdentity } from '../types.ts'

/** Code of the cause when the link went before the end was seen: the outcome is unknown. */
export const channelLost = 'ECHANNELLOST'

/** The end of a command was not seen. It may have done its work, it may run on; `process` says whom to look for. */
export class ChannelLostError extends Error {
  override readonly name = 'ChannelLostError'
  readonly code = channelLost
  readonly process: ProcessIdentity | null

  constructor(reason: string, process: ProcessIdentity | null) {
    super(
      `The outcome is unknown: ${reason.replace(/\.$/, '')}. Look at the host before running it again${
        process === null ? '' : `: it was process ${process.pid} there`
      }.`,
    )
    this.process = process
  }
}

/** What the shell of a host refuses, because it would mean this machine or lose something. */
export class RefusedByShell extends Error {
  override readonly name = 'RefusedByShell'
}
