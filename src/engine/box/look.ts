import type { Host } from '../../host/types.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import type { GuardStatus } from '../types.ts'
import { boxScripts } from './assets.ts'
import { guardOf } from './guard-status.ts'
import { jsonOf, wholeOf } from './text.ts'

/** What status.sh printed, line by line, before it means anything. Every field may be missing. */
export interface Look {
  readonly isMissing: boolean
  /** The last line was printed: nothing was cut off. */
  readonly isWhole: boolean
  readonly nowMs: number | null
  readonly bootId: string | null
  readonly startingToken: string | null
  /** Whether the shell of that start lives; null where it did not say who it is. */
  readonly isStarterAlive: boolean | null
  readonly runner: {
    readonly pid: number
    readonly startTicks: number
    readonly bootId: string
    readonly token: string
  } | null
  readonly isAlive: boolean | null
  readonly heartbeatMs: number | null
  /** Seconds for which no unit got on, as the runner counts them. */
  readonly quietSeconds: number | null
  readonly guard: GuardStatus | null
  readonly stopReason: string | null
  readonly checkpoint: unknown
  readonly exit: unknown
  /** Unit to the folder its queue entry lies in. */
  readonly places: ReadonlyMap<string, 'queue' | 'claimed' | 'done' | 'failed'>
  /** Unit to the fields of its exit file. */
  readonly exits: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly pids: ReadonlyMap<string, { readonly isAlive: boolean; readonly fields: readonly string[] }>
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly mtimeMs: number }[]
  readonly lastMetrics: ReadonlyMap<string, unknown>
  readonly nanLines: ReadonlyMap<string, number>
  readonly raw: string
}

const decoder = new TextDecoder()
/** One look is bounded: about 2 kB a unit at most, and this for all of them. */
const maxBytes = 16 * 1024 * 1024

/** One call to the host. `unreachable` when its end was not seen: that says nothing about the run. */
export async function lookAt(
  host: Host,
  folder: string,
  signal?: AbortSignal,
): Promise<{ readonly kind: 'seen'; readonly look: Look } | { readonly kind: 'unreachable'; readonly reason: string }> {
  const { status } = await boxScripts()
  try {
    const result = await host.script(status, [folder], {
      timeoutSeconds: 30,
      maxBytes,
      isRepeated: true,
      ...(signal ? { signal } : {}),
    })
    if (result.ending.kind === 'exited' && result.ending.code === 0)
      return { kind: 'seen', look: parseLook(decoder.decode(result.stdout)) }
    const why = result.timedOut
      ? 'no answer within 30 s'
      : result.ending.kind === 'exited'
        ? `exit code ${result.ending.code}: ${sanitiseLine(decoder.decode(result.stderr), 300)}`
        : result.ending.kind === 'signalled'
          ? `ended by ${result.ending.signal}`
          : result.ending.reason
    return { kind: 'unreachable', reason: why }
  } catch (error) {
    return { kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Python writes bare NaN; a line that holds it is read all the same, with null in its place. */
function metricsJson(text: string): unknown {
  return (
    jsonOf(text) ?? jsonOf(text.replaceAll(/:(\s*)"?[-+]?(?:NaN|nan|Infinity|inf)"?(\s*[,}])/g, ':$1null$2')) ?? null
  )
}

/** Reads what status.sh printed. Lines that it does not know are skipped: a look never fails for one bad line. */
export function parseLook(text: string): Look {
  const places = new Map<string, 'queue' | 'claimed' | 'done' | 'failed'>()
  const exits = new Map<string, Map<string, string>>()
  const pids = new Map<string, { isAlive: boolean; fields: string[] }>()
  const files: { path: string; bytes: number; mtimeMs: number }[] = []
  const lastMetrics = new Map<string, unknown>()
  const nanLines = new Map<string, number>()
  const single = new Map<string, string>()
  const acts: string[] = []
  let exitOf: Map<string, string> | null = null
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    const word = space < 0 ? line : line.slice(0, space)
    const rest = space < 0 ? '' : line.slice(space + 1)
    const parts = rest.split(' ')
    switch (word) {
      case 'entry': {
        const unit = (parts[1] ?? '').replace(/^\d+-/, '')
        const place = parts[0]
        if (unit !== '' && (place === 'queue' || place === 'claimed' || place === 'done' || place === 'failed'))
          places.set(unit, place)
        break
      }
      case 'x': {
        const at = rest.indexOf('=')
        const key = rest.slice(0, at)
        if (key === 'unit') {
          exitOf = new Map()
          exits.set(rest.slice(at + 1), exitOf)
        } else if (at > 0) exitOf?.set(key, rest.slice(at + 1))
        break
      }
      case 's': {
        const bytes = wholeOf(parts[0])
        const seconds = wholeOf(parts[1])
        const path = parts.slice(2).join(' ')
        if (bytes !== null && seconds !== null && path !== '') files.push({ path, bytes, mtimeMs: seconds * 1000 })
        break
      }
      case 'pid':
        if (parts[0] !== undefined) pids.set(parts[0], { isAlive: parts[1] === '1', fields: parts.slice(2) })
        break
      case 'metrics':
        if (parts[0] !== undefined) lastMetrics.set(parts[0], metricsJson(rest.slice(parts[0].length + 1)))
        break
      case 'nan':
        if (parts[0] !== undefined) nanLines.set(parts[0], wholeOf(parts[1]) ?? 0)
        break
      case 'act':
        acts.push(rest)
        break
      default:
        single.set(word, rest)
    }
  }
  const [pid, ticks, bootId, token] = (single.get('runner') ?? '').split(' ')
  const runnerPid = wholeOf(pid)
  const startTicks = wholeOf(ticks)
  const alive = single.get('alive')
  const starter = single.get('starter')
  const checkpoint = single.get('checkpoint')
  const exit = single.get('exit')
  return {
    isMissing: single.has('missing'),
    isWhole: single.has('end'),
    nowMs: wholeOf(single.get('now')),
    bootId: single.get('boot') ?? null,
    startingToken: single.get('starting') ?? null,
    isStarterAlive: starter === undefined ? null : starter === '1',
    runner:
      runnerPid !== null && startTicks !== null && bootId !== undefined
        ? { pid: runnerPid, startTicks, bootId, token: token ?? '' }
        : null,
    isAlive: alive === undefined ? null : alive === '1',
    heartbeatMs: wholeOf(single.get('heartbeat')?.split(' ')[0]),
    quietSeconds: wholeOf(single.get('heartbeat')?.split(' ')[3]),
    guard: guardOf(single.get('guard'), single.get('alarm'), acts),
    stopReason: single.get('stop') ?? null,
    checkpoint: checkpoint === undefined ? null : (jsonOf(checkpoint) ?? jsonOf(`${checkpoint}}`)),
    exit: exit === undefined ? null : jsonOf(exit),
    places,
    exits,
    pids,
    files,
    lastMetrics,
    nanLines,
    raw: text.length > 65_536 ? `${text.slice(0, 65_536)}…` : text,
  }
}
