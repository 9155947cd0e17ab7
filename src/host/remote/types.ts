import type { ExecOptions, ExecResult, Host } from '../types.ts'

export type RemoteScriptOptions = Omit<ExecOptions, 'cwd' | 'env'>

/**
 * Runs a POSIX sh script on the other side. Arguments arrive byte-equal, and `stdin` is what the script reads. A result
 * that nobody saw the end of is `unknown`; it throws only where nothing could have been begun.
 */
export type RunScript = (source: string, args: readonly string[], options: RemoteScriptOptions) => Promise<ExecResult>

/** What every host that is reached through a shell does in the same way. */
export type RemoteParts = Pick<
  Host,
  'identity' | 'stat' | 'list' | 'read' | 'tail' | 'write' | 'sha256' | 'kill' | 'isAlive' | 'removeTree'
>
