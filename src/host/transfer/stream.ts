import { HostError, notBegun } from '../errors.ts'
import { linkLost } from '../remote/answer.ts'
import type { Host, HostProcess, SpawnOptions } from '../types.ts'
import { failed, lost } from './errors.ts'

export interface StreamOptions extends Pick<SpawnOptions, 'cwd' | 'signal' | 'startSeconds' | 'onStdout' | 'onStderr'> {
  /** Output that may be on its way at once, where the transport lets it be chosen. */
  readonly windowBytes?: number
}

/** Whether bytes come as a stream of a program there; on this machine files are read as they are. */
export const hasStreams = (host: Host): boolean => host.kind !== 'local'

/**
 * A program there with its streams open, over the connection for bulk data where the host has one of its own.
 *
 * @throws TransferError
 */
export async function openStream(host: Host, argv: readonly string[], options: StreamOptions): Promise<HostProcess> {
  const over = { over: 'bulk' }
  try {
    return await host.spawn(argv, { ...options, ...over })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isSystem =
      error instanceof HostError && /^E[A-Z]+$/.test(error.code ?? '') && !lostCodes.has(error.code ?? '')
    throw isSystem ? failed(message, error) : lost(message, error)
  }
}

/**
 * Opens the connection for bulk data while something else is asked: a login takes a dozen round trips, which is most of a
 * short pull on a far link. Whether it came is seen when it is needed.
 */
export function openAhead(host: Host): void {
  if (host.kind !== 'ssh') return
  openStream(host, ['true'], { startSeconds: 60, onStdout: () => {}, onStderr: () => {} }).catch(() => {})
}

/** Nothing was begun, or nobody can tell: another try may do it. */
const lostCodes = new Set([linkLost, notBegun])
