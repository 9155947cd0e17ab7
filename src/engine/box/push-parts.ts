import { TransferError } from '../../host/transfer/errors.ts'
import { type FileFacts, factsOf } from '../../host/transfer/facts.ts'
import type { SendOptions } from '../../host/transfer/send.ts'
import type { Host } from '../../host/types.ts'
import type { Plan } from '../../spec/schema.ts'
import { EngineError } from '../errors.ts'
import type { CodeFile } from '../types.ts'

/** Up to this size a file travels with others in one stream: it is held in memory whole. */
export const streamedBytes = 4 * 1024 * 1024

/** Names that no list of lines can say: they go one by one. */
export const isOdd = (path: string): boolean => /[\n\r\\]/.test(path)

export interface PushRequest {
  readonly projectFolder: string
  readonly code: readonly CodeFile[]
  readonly plan: Pick<Plan, 'data'>
  readonly folder: string
  readonly signal?: AbortSignal
  /** Bytes that the link took. */
  readonly onBytes?: (bytes: number) => void
}

export const refuse = (text: string) => new EngineError(text, 'nothing-started')

export const sendOptions = ({ signal, onBytes }: PushRequest): SendOptions => ({
  signal: signal ?? new AbortController().signal,
  ...(onBytes === undefined ? {} : { onBytes }),
})

/** Size and hash of files that lie there; nothing of a folder that does not. */
export async function factsIn(
  host: Host,
  folder: string,
  files: readonly { readonly path: string; readonly bytes: number }[],
  request: PushRequest,
): Promise<ReadonlyMap<string, FileFacts>> {
  if ((await host.stat(folder)) === null) return new Map()
  const options = {
    isHashed: true,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    signal: request.signal ?? new AbortController().signal,
  }
  return asEngine(host, () =>
    factsOf(
      host,
      folder,
      files.map((file) => file.path),
      options,
    ),
  )
}

/** What went wrong on the way, as the engine says it: nothing was started by a push. */
export async function asEngine<T>(host: Host, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    throw refuse(
      `The files did not get to ${host.name}: ${error.message}. Push again: what is there is not sent twice.`,
    )
  }
}
