import { HostError } from '../errors.ts'
import { linkLost } from '../remote/answer.ts'
import type { SshHost, SshProcess } from '../ssh/types.ts'
import type { Host } from '../types.ts'
import { failed, lost } from './errors.ts'

export interface StreamOptions {
  readonly startSeconds: number
  readonly onStdout: (chunk: Uint8Array) => void
  readonly onStderr: (chunk: Uint8Array) => void
}

type Spawning = Pick<SshHost, 'spawn'>
const canSpawn = (host: Host): host is Host & Spawning => 'spawn' in host

/** Whether programs can be started there whose output comes as a stream; else files are read piece by piece. */
export const hasStreams = (host: Host): boolean => host.kind !== 'local' && canSpawn(host)

/**
 * A program there with its streams open, over the connection for bulk data where the host has one.
 *
 * @throws TransferError
 */
export async function openStream(host: Host, argv: readonly string[], options: StreamOptions): Promise<SshProcess> {
  if (!canSpawn(host)) throw failed(`${host.name} has no streams`)
  try {
    return await host.spawn(argv, { ...options, over: 'bulk' })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw error instanceof HostError && error.code !== null && error.code !== linkLost
      ? failed(message, error)
      : lost(message, error)
  }
}
