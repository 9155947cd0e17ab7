import { setTimeout as sleep } from 'node:timers/promises'
import { type LogRecord, logMetrics } from '../engine/log-metrics.ts'
import type { Host } from '../host/types.ts'
import { withheldVariables, withoutVariables } from '../host/unit-environment.ts'
import type { ActContext } from '../run/act.ts'
import { keepProcess } from '../run/cell-process.ts'
import { knownSecrets } from '../secret/known.ts'
import { unitCommand } from '../spec/command.ts'
import type { Unit } from '../spec/schema.ts'
import { sanitise } from '../text/sanitise.ts'
import { exportStanza, isTakenName, secretStanza } from '../text/secret-stanza.ts'
import { parseMetrics } from './readings.ts'
import type { UnitFiles, UnitRun } from './types.ts'

/** Where a smoke runs: absolute folder on the host, with `code/` in it. */
export interface SmokePlace {
  readonly folder: string
  readonly code: string
  /** GPU to pin to; null on the CPU. */
  readonly gpu: string | null
  /** Variables of the host that units do not get. */
  readonly withheld: readonly string[]
  /** Of the plan, with those that lead to its synced packages on this host. */
  readonly variables: Readonly<Record<string, string>>
}

export interface StartOptions {
  /** Folder of the unit, absolute. */
  readonly folder: string
  readonly attempt: number
  /** Asked again and again with the metrics so far; when true the whole group is killed with SIGKILL. */
  readonly killWhen?: (lines: UnitFiles['lines']) => Promise<boolean>
}

const outputBytes = 256 * 1024
const watchEveryMs = 60
/** Memory is asked for less often: it walks all of /proc. */
const memoryEveryMs = 400
const maxMetricsBytes = 32 * 1024 * 1024

/**
 * $1: where to write the process id. The shell becomes the unit, so that this is the id of unit and group. Secrets come on
 * standard input, so that nobody but the unit ever has them in its environment.
 */
const starter = `umask 077 && echo $$ >"$1" && shift || exit 125
${exportStanza}
exec "$@" </dev/null`

const memoryScript = `sum=0 found=
for stat in /proc/[0-9]*/stat; do
  IFS= read -r line 2>/dev/null <"$stat" || continue
  group=$1
  set -- "$group" \${line##*) }
  [ "$4" = "$group" ] || continue
  while read -r key value rest; do
    case $key in VmHWM:) sum=$((sum + value)) found=1 ;; esac
  done 2>/dev/null <"\${stat%stat}status"
done
[ -z "$found" ] || echo "$sum"`

const killScript = 'kill -KILL "-$1"'

const decoder = new TextDecoder()

/** The variables of the unit contract (docs/unit-contract.md 1), as the runner sets them, with trackers off. */
export function unitEnvironment(
  ctx: Pick<ActContext, 'run' | 'loaded'>,
  place: Pick<SmokePlace, 'folder' | 'gpu' | 'variables'>,
  unit: Unit,
  options: StartOptions,
): Readonly<Record<string, string>> {
  const { plan } = ctx.loaded
  const threads = plan.resources.threadsPerWorker
  const limits =
    threads === undefined
      ? {}
      : Object.fromEntries(
          ['OMP', 'MKL', 'OPENBLAS', 'NUMEXPR', 'RAYON'].map((name) => [`${name}_NUM_THREADS`, String(threads)]),
        )
  return {
    ...place.variables,
    ...limits,
    ...(place.gpu === null ? {} : { CUDA_VISIBLE_DEVICES: place.gpu }),
    PYTHONUNBUFFERED: '1',
    WANDB_MODE: 'disabled',
    KX_CONTRACT: '1',
    KX_RUN_ID: ctx.run.id,
    KX_RUN_DIR: place.folder,
    KX_UNIT: unit.id,
    KX_UNIT_INDEX: String(unit.index),
    KX_UNIT_DIR: options.folder,
    KX_CHECKPOINT_DIR: `${options.folder}/checkpoints`,
    KX_SEED: String(unit.seed),
    KX_ATTEMPT: String(options.attempt),
    KX_SMOKE: '1',
  }
}

/** Starts one unit as a launch would, watches its memory, and waits for its end within the plan's time. */
export async function startUnit(
  ctx: ActContext,
  place: SmokePlace,
  unit: Unit,
  options: StartOptions,
): Promise<UnitRun> {
  const { host, cell, loaded } = ctx
  const pidFile = `${options.folder}.pid`
  await makeFolders(host, [`${options.folder}/checkpoints`])
  await host.exec(['rm', '-f', '--', pidFile])
  const env = unitEnvironment(ctx, place, unit, options)
  const log = loaded.plan.logPattern === undefined ? null : logMetrics(loaded.plan.logPattern)
  const fromLog: LogRecord[] = []
  const seconds = () => ctx.clock.nowMs() / 1000
  const metricsFile = `${options.folder}/metrics.jsonl`
  const before = await readText(ctx, metricsFile)
  let isOver = false
  const running = host
    .exec(withoutVariables(place.withheld, ['sh', '-c', starter, 'sh', pidFile, ...unitCommand(loaded.plan, unit)]), {
      cwd: place.code,
      env,
      stdin: await stanzaFor(ctx),
      timeoutSeconds: loaded.plan.smoke.timeoutSeconds,
      maxBytes: outputBytes,
      signal: ctx.signal,
      onBegun: (process) => keepProcess(cell, host.name, process),
      onStdout: (chunk) => {
        cell.stdout(chunk)
        if (log !== null) fromLog.push(...log.take('stdout', chunk, seconds()))
      },
      onStderr: (chunk) => {
        cell.stderr(chunk)
        if (log !== null) fromLog.push(...log.take('stderr', chunk, seconds()))
      },
    })
    .finally(() => {
      isOver = true
    })

  let peakKib: number | null = null
  let askedAt = Number.NEGATIVE_INFINITY
  let hasKilled = false
  const watch = async () => {
    while (!isOver) {
      const pid = await pidIn(ctx, pidFile)
      if (pid !== null && performance.now() - askedAt >= memoryEveryMs) {
        askedAt = performance.now()
        const asked = await host.script(memoryScript, [String(pid)], { timeoutSeconds: 10 })
        const text = decoder.decode(asked.stdout).trim()
        if (/^\d{1,15}$/.test(text)) peakKib = Math.max(peakKib ?? 0, Number(text))
      }
      // The process is ours and has not been waited for, so its id cannot be anybody else's.
      if (pid !== null && !hasKilled && !isOver && options.killWhen !== undefined) {
        const lines = log === null ? parseMetrics((await readText(ctx, metricsFile)) ?? '').lines : fromLog
        hasKilled = await options.killWhen(lines)
        if (hasKilled && !isOver) await host.script(killScript, [String(pid)], { timeoutSeconds: 10 })
      }
      await sleep(watchEveryMs)
    }
  }
  const [result] = await Promise.all([running, watch().catch(() => {})])
  if (log !== null) {
    fromLog.push(...log.end(seconds()))
    const hasEnded = result.ending.kind === 'exited' && result.ending.code === 0
    await keepLogMetrics(ctx, options.folder, before, fromLog, hasEnded ? log.result() : null)
  }
  const text = (bytes: Uint8Array) => sanitise(bytes, { allowSgr: false })
  const output = ctx.run.scrub(`${text(result.stdout)}${text(result.stderr)}`)
  await host.write(`${options.folder}.log`, output)
  return {
    unit: unit.id,
    ending: result.ending,
    timedOut: result.timedOut,
    seconds: result.durationMs / 1000,
    output: output.slice(-32_768),
    peakRssBytes: peakKib === null ? null : peakKib * 1024,
    namesSteps: log === null || log.namesSteps(),
  }
}

/**
 * Values of the plan's secrets that kx knows. What it does not know, and a session on the host has, units of a smoke inherit
 * from there.
 */
async function stanzaFor(ctx: ActContext): Promise<string> {
  const { secrets } = ctx.loaded.plan
  const known = await knownSecrets(secrets)
  const values = secrets.flatMap((name) => {
    const value = known.valueOf(name)
    return value === null || value === '' || isTakenName(name) ? [] : [[name, value] as const]
  })
  return secretStanza(new Map(values))
}

/** What the runner of a launch makes of a log (docs/unit-contract.md 7): files of the script's own are left alone. */
async function keepLogMetrics(
  ctx: ActContext,
  folder: string,
  before: string | null,
  records: readonly LogRecord[],
  result: LogRecord | null,
): Promise<void> {
  const path = `${folder}/metrics.jsonl`
  if ((await readText(ctx, path)) === before && records.length > 0)
    await ctx.host.write(path, `${before ?? ''}${records.map((record) => `${JSON.stringify(record)}\n`).join('')}`)
  if (result !== null && (await ctx.host.stat(`${folder}/result.json`)) === null)
    await ctx.host.write(`${folder}/result.json`, `${JSON.stringify(result)}\n`)
}

/** As for a launch: units get the secrets that the plan names and no others. What kx itself sets for them stays. */
export async function withheldFromUnits(
  ctx: ActContext,
  place: Omit<SmokePlace, 'withheld'>,
  unit: Unit,
): Promise<readonly string[]> {
  const { secrets } = ctx.loaded.plan
  const known = await knownSecrets(secrets)
  const set = Object.keys(unitEnvironment(ctx, place, unit, { folder: place.folder, attempt: 1 }))
  const holdsSecret = (text: string) => known.namesIn(text).length > 0
  const withheld = await withheldVariables(ctx.host, { named: [...secrets, ...set], holdsSecret }, ctx.signal)
  if (withheld.length > 0)
    ctx.cell.say(`kept from the units: ${withheld.join(', ')}; to hand one over, name it under secrets`)
  return withheld
}

/** With their missing parents, 0700: what a unit leaves is nobody else's to read. */
export async function makeFolders(host: Host, paths: readonly string[]): Promise<void> {
  await host.script('umask 077 && mkdir -p -- "$@"', paths)
}

async function pidIn(ctx: ActContext, path: string): Promise<number | null> {
  const bytes = await ctx.host.read(path, 0, 32)
  const text = bytes === null ? '' : decoder.decode(bytes).trim()
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
}

/** Text of a file in a unit's folder; null when it is not there. Bounded. */
export async function readText(ctx: ActContext, path: string): Promise<string | null> {
  const bytes = await ctx.host.read(path, 0, maxMetricsBytes)
  return bytes === null ? null : decoder.decode(bytes)
}

/** Everything that a unit has left in its folder, read once. */
export async function filesOf(ctx: ActContext, folder: string): Promise<UnitFiles> {
  const metrics = await readText(ctx, `${folder}/metrics.jsonl`)
  const entries = (await ctx.host.list(folder)) ?? []
  const jsonFiles = entries.filter((e) => e.kind === 'file' && nameOf(e.path).endsWith('.json'))
  const brokenJson: string[] = []
  let result: UnitFiles['result'] = null
  let resultState: UnitFiles['resultState'] = 'missing'
  for (const file of jsonFiles) {
    const parsed = parseObject((await readText(ctx, file.path)) ?? '')
    if (parsed === undefined) brokenJson.push(nameOf(file.path))
    if (nameOf(file.path) !== 'result.json') continue
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    resultState = isObject ? 'there' : 'broken'
    if (isObject) result = parsed as Record<string, unknown>
  }
  const saved = ((await ctx.host.list(`${folder}/checkpoints`)) ?? [])
    .filter((e) => e.kind === 'file' && !nameOf(e.path).includes('.tmp'))
    .map((e) => ({ name: nameOf(e.path), bytes: e.bytes, mtimeMs: e.mtimeMs }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
  return {
    ...parseMetrics(metrics ?? ''),
    hasMetrics: metrics !== null,
    result,
    resultState,
    brokenJson,
    jsonFiles: jsonFiles.length,
    checkpoints: saved,
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
