import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * A unit by the contract that takes a third of a second, refuses a checkpoint that was cut, and leaves its starts and
 * ends where no kill of kx reaches them: the world's own record of what ran.
 */
const unitScript = `
latest=$KX_CHECKPOINT_DIR/latest
step=0
if [ -f "$latest" ]; then
  [ "$(wc -c <"$latest")" -ge 64 ] || { echo 'the checkpoint cannot be read' >&2; exit 5; }
  read -r step rest <"$latest"
fi
[ -f "$KX_UNIT_DIR/result.json" ] && exit 0
steps=18
[ -f "$KX_UNIT_DIR/env_fingerprint.json" ] || echo "{\\"seed\\":$KX_SEED}" >"$KX_UNIT_DIR/env_fingerprint.json"
[ "$KX_SMOKE" = 1 ] || echo "start $KX_UNIT $KX_ATTEMPT $step" >>"$EFFECTS"
while [ "$step" -lt "$steps" ]; do
  step=$((step + 1))
  echo "{\\"step\\":$step,\\"steps\\":$steps,\\"time\\":$(date +%s.%N),\\"loss\\":0.5,\\"checkpoint_s\\":0.001}" >>"$KX_UNIT_DIR/metrics.jsonl"
  [ ! -f "$latest" ] || cp "$latest" "$KX_CHECKPOINT_DIR/previous"
  echo "$step ................................................................" >"$KX_CHECKPOINT_DIR/l.tmp"
  mv "$KX_CHECKPOINT_DIR/l.tmp" "$latest"
  sleep 0.01
  while [ "$KX_SMOKE" = 0 ] && [ "$step" = 9 ] && [ ! -e "$GATE" ]; do sleep 0.05; done
done
echo '{"acc":0.9,"nan_count":0}' >"$KX_UNIT_DIR/r.tmp" && mv "$KX_UNIT_DIR/r.tmp" "$KX_UNIT_DIR/result.json"
[ "$KX_SMOKE" = 1 ] || echo "done $KX_UNIT $KX_ATTEMPT $step" >>"$EFFECTS"
`

export const units = ['value-1', 'value-2', 'value-3']

const planText = (root: string) => `version: 1
name: tiny
goal: Show that a walk which is killed goes on to its end, accuracy at least 0.8.
metrics:
  - { name: acc, direction: higher, chance: 0.5, target: 0.8, primary: true }
  - { name: loss, direction: lower }
command: [sh, unit.sh]
environmentVariables: { EFFECTS: "${root}/effects", GATE: "${root}/gate" }
units: { range: { from: 1, to: ${units.length} } }
smoke: { units: 1, timeoutSeconds: 120, killAfterSteps: 3 }
environment: { kind: system, interpreter: sh }
resources: { compute: cpu, workers: 2, threadsPerWorker: 1, memoryBytes: 10000000, diskBytes: 1000000 }
checkpoints: { bytes: 70, count: 6 }
artifacts:
  - { glob: "units/*/result.json", minimumCount: ${units.length}, kind: json }
  - { glob: "units/*/metrics.jsonl", minimumCount: ${units.length}, kind: jsonl }
  - { glob: "units/*/env_fingerprint.json", minimumCount: ${units.length}, kind: json }
hosts: [local]
profiles: [local]
abort: { nan: true, belowChanceAfterUnits: 2, wallHours: 1, idleMinutes: 10 }
budget: { usd: 0, hours: 1 }
tracking: { kind: plain }
seed: 7
`

/** A project with state, data, cache and home of its own. */
export interface WalkPlace {
  readonly root: string
  readonly project: string
  readonly env: Readonly<Record<string, string>>
}

/** Units wait in their middle until `openGate`. */
export function makeWalkPlace(): WalkPlace {
  const root = mkdtempSync(join(tmpdir(), 'kx-march-'))
  const folder = (name: string) => {
    mkdirSync(join(root, name), { mode: 0o700 })
    return join(root, name)
  }
  const project = folder('project')
  writeFileSync(join(project, 'unit.sh'), unitScript)
  writeFileSync(join(project, 'kx.yaml'), planText(root))
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: folder('home'),
    TMUX_TMPDIR: folder('tmux'),
    XDG_STATE_HOME: folder('state'),
    XDG_DATA_HOME: folder('data'),
    XDG_CACHE_HOME: folder('cache'),
    XDG_CONFIG_HOME: folder('config'),
    // Shared by all places: it is no state of kx, and every start would pay for an empty one.
    NODE_COMPILE_CACHE: join(tmpdir(), 'kx-crash-compile'),
    NODE_ENV: 'production',
    USER: 'ada',
    TZ: 'UTC',
  }
  return { root, project, env }
}

export const openGate = (place: WalkPlace): void => writeFileSync(join(place.root, 'gate'), '')

export interface Death {
  /** Lines that the command line would have printed, as JSON. */
  readonly lines: readonly {
    readonly progress?: string
    readonly command?: string
    readonly exitCode?: number
    readonly summary?: string
  }[]
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
  /** Name of the point that it died at, if at one. */
  readonly point: string | null
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** When to kill from outside: milliseconds after the line of this number, or at the first line that fits. */
export interface Moment {
  readonly isDue: (line: string, index: number) => boolean
  readonly afterMs: number
}

/** Runs commands in a process of their own until they are done, or killed at one of the points or at the moment. */
export async function runWalk(
  place: WalkPlace,
  commands: readonly string[],
  points: readonly string[],
  moment: Moment | null = null,
): Promise<Death> {
  const log = join(place.root, 'died-at')
  rmSync(log, { force: true })
  const startedAtMs = Date.now()
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'walk-worker.ts'), place.project, ...commands],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: place.project,
      env: { ...place.env, KX_FAILPOINT: points.join(','), KX_FAILPOINT_LOG: log },
    },
  )
  const lines: string[] = []
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  let isAimed = moment !== null
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  reader.on('line', (line) => {
    if (isAimed && moment?.isDue(line, lines.length) === true) {
      isAimed = false
      setTimeout(() => child.kill('SIGKILL'), moment.afterMs)
    }
    lines.push(line)
  })
  const drained = new Promise((resolve) => reader.once('close', resolve))
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...how) => resolve(how))
  })
  await drained
  return {
    lines: lines.map((line) => JSON.parse(line)),
    code,
    signal,
    stderr,
    point: existsSync(log) ? readFileSync(log, 'utf8').trim() : null,
    startedAtMs,
    endedAtMs: Date.now(),
  }
}

/** Folders of runs on the box, which is this machine. */
export function boxFolders(place: WalkPlace): string[] {
  const folder = join(place.root, 'data/kx/boxes')
  // An audit that was killed leaves the file by which it tried the place out; the next one removes it.
  return existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [join(folder, entry.name)] : [],
      )
    : []
}

interface Seen {
  readonly pid: number
  readonly group: number
  readonly words: string
}

/** Processes that belong to the place by their words or their environment; zombies are none. */
function processesIn(place: WalkPlace): Seen[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const isOurs = words.includes(place.root) || readFileSync(`/proc/${name}/environ`, 'utf8').includes(place.root)
      return isOurs && state !== 'Z' && state !== 'X' ? [{ pid: Number(name), group: Number(group), words }] : []
    } catch {
      return []
    }
  })
}

/** Runners at work, by process group: their workers are forks of them and share it. */
export function runnersIn(place: WalkPlace): string[] {
  const runners = processesIn(place).filter(({ words }) => /^sh \S*\/runner-[0-9a-f]+\.sh /.test(words))
  const groups = Map.groupBy(runners, ({ group }) => group)
  return [...groups].map(([group, members]) => `${group}: ${members.map(({ pid }) => pid).join(' ')}`)
}

/** Ends what still runs of the place and removes it. */
export function clearWalkPlace(place: WalkPlace): void {
  for (const { pid } of processesIn(place)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
  rmSync(place.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

export const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
