import { randomBytes } from 'node:crypto'
import type { Host } from '../types.ts'
import { type Probe, parseProbe } from './probe.ts'
import { probeScript, wideProbeScript } from './script.ts'

export interface ProbeOptions {
  /** Process whose figures are wanted. */
  readonly pid?: number
  /** Absolute paths whose file systems are asked. */
  readonly paths?: readonly string[]
  /** Deadline of the whole probe; each command inside has less (handbook monitoring 7: 10 s). */
  readonly timeoutSeconds?: number
  readonly signal?: AbortSignal
  /** It will be asked again soon (see `ScriptOptions`). */
  readonly isRepeated?: boolean
  /** Everything that an audit wants to know (see `Wide`). */
  readonly isWide?: boolean
}

export interface ProbeAnswer {
  readonly probe: Probe
  readonly atMs: number
  readonly durationMs: number
  /** What was answered, byte for byte, for the digest of the evidence. */
  readonly raw: Uint8Array
  /** Why the probe ended early, or null. */
  readonly trouble: string | null
}

/** One bounded, read-only round trip to a host. Does not throw for a host that answers badly: figures are unknown then. */
export async function runProbe(host: Pick<Host, 'script'>, options: ProbeOptions = {}): Promise<ProbeAnswer> {
  const nonce = `kx-${randomBytes(12).toString('hex')}`
  const paths = options.paths ?? []
  const timeoutSeconds = options.timeoutSeconds ?? 10
  const each = Math.max(1, Math.floor(timeoutSeconds / 3))
  const ran = await host.script(
    options.isWide === true ? wideProbeScript : probeScript,
    [nonce, String(each), String(options.pid ?? '-'), ...paths],
    {
      timeoutSeconds,
      maxBytes: 1024 * 1024,
      isRepeated: options.isRepeated === true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  )
  const trouble = ran.timedOut
    ? `the probe did not end within ${timeoutSeconds} s`
    : ran.ending.kind === 'unknown'
      ? ran.ending.reason
      : ran.ending.kind === 'signalled'
        ? `the probe was ended by ${ran.ending.signal}`
        : null
  return {
    probe: parseProbe(new TextDecoder().decode(ran.stdout), nonce, paths),
    atMs: ran.startedAtMs + ran.durationMs,
    durationMs: ran.durationMs,
    raw: ran.stdout,
    trouble,
  }
}
