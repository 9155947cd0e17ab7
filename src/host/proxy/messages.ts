import { HostError } from '../errors.ts'
import type { Ending, Host, ProcessIdentity } from '../types.ts'

/** What a host answers once. `exec` and `script` may send output before; `spawn` has messages of its own. */
export const calls = [
  'identity',
  'exec',
  'script',
  'stat',
  'list',
  'read',
  'tail',
  'write',
  'sha256',
  'kill',
  'isAlive',
  'removeTree',
] as const satisfies readonly (keyof Host)[]
export type Call = (typeof calls)[number]

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

interface Of {
  /** One wire carries several hosts, and other talk besides. */
  readonly lane: string
  /** Of the call or the process that it is about. */
  readonly id: number
}

/** From the side that has only a proxy. */
export type Asked = Of &
  (
    | {
        readonly kind: 'call'
        readonly call: Call
        readonly args: readonly unknown[]
        readonly streams: boolean
        readonly isAborted: boolean
      }
    | { readonly kind: 'abort'; readonly reason: string }
    | {
        readonly kind: 'spawn'
        readonly argv: readonly string[]
        readonly cwd: string | null
        readonly env: Readonly<Record<string, string>> | null
        readonly startSeconds: number | null
        readonly isAborted: boolean
      }
    | { readonly kind: 'input'; readonly bytes: Uint8Array }
    | { readonly kind: 'end-input' }
    /** So many bytes of output were taken: as many more may come. */
    | { readonly kind: 'took'; readonly count: number }
    | { readonly kind: 'let-go' }
    /** The proxy is closed: what it began is ended. */
    | { readonly kind: 'close' }
  )

/** From the side that has the host. */
export type Told = Of &
  (
    | { readonly kind: 'answer'; readonly value: unknown }
    | { readonly kind: 'failed'; readonly error: SentError }
    | { readonly kind: 'begun'; readonly identity: ProcessIdentity | null }
    | { readonly kind: 'out'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
    /** So many bytes of input were taken. */
    | { readonly kind: 'took-input'; readonly count: number }
    | { readonly kind: 'ended'; readonly ending: Ending }
  )

/** Before the lane is written on it. */
export type ToAsk = Without<Asked, 'lane'>
export type ToTell = Without<Told, 'lane'>

/** An error as it travels: errors lose their class and their code on the way. */
export interface SentError {
  readonly name: string
  readonly message: string
  readonly code: string | null
}

export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: null }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  return { name: error.name, message: error.message, code }
}

export function receivedError({ name, message, code }: SentError): Error {
  if (name === 'HostError') return new HostError(message, code)
  const error = name === 'TypeError' ? new TypeError(message) : new Error(message)
  error.name = name
  return code === null ? error : Object.assign(error, { code })
}

export const isOfLane = <M extends Of>(message: unknown, lane: string): message is M =>
  typeof message === 'object' && message !== null && (message as { lane?: unknown }).lane === lane

/** Output under way and not yet taken; beyond it the host's process is held back. The window of ssh is of this size. */
export const outputWindowBytes = 1024 * 1024
/** Input under way; beyond it `write` answers false. */
export const inputWindowBytes = 256 * 1024
