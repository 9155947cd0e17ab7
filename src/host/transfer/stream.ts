import { HostError } from '../errors.ts'
import { linkLost } from '../remote/answer.ts'
import type { SshHost } from '../ssh/types.ts'
import type { Host, HostProcess } from '../types.ts'
import { failed, lost } from './errors.ts'

export interface StreamOptions {
  readonly startSeconds: number
  readonly onStdout: (chunk: Uint8Array) => void
  readonly onStderr: (chunk: Uint8Array) => void
}

const isSsh = (host: Host): host is SshHost => host.kind === 'ssh'

/** Whether programs can be started there whose output comes as a stream; else files are read piece by piece. */
export const hasStreams = isSsh

/**
 * A program there with its streams open, over the connection for bulk data where the host has one.
 *
 * @throws TransferError
 */
export async function openStream(host: Host, argv: readonly string[], options: StreamOptions): Promise<HostProcess> {
  if (!isSsh(host)) throw failed(`${host.name} has no streams`)
  try {
    return await host.spawn(argv, { ...options, over: 'bulk' })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw error instanceof HostError && error.code !== null && error.code !== linkLost
      ? failed(message, error)
      : lost(message, error)
  }
}
