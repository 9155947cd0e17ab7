import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { boxScripts } from '../../../src/engine/box/assets.ts'
import { flatFiles } from '../../../src/engine/box/layout.ts'
import type { CodeFile, SubmitRequest } from '../../../src/engine/types.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import { expandUnits } from '../../../src/spec/units.ts'

/** A tiny unit: a few steps, a checkpoint, a result, by the contract; told by MODE what to do else. */
export const unitScript = `
step=0
[ -f "$KX_CHECKPOINT_DIR/step" ] && read -r step <"$KX_CHECKPOINT_DIR/step"
[ -f "$KX_UNIT_DIR/result.json" ] && exit 0
case $MODE in crash:$KX_UNIT) echo 'about to crash' >&2; exit 7 ;; esac
save() { echo "$step" >"$KX_CHECKPOINT_DIR/step.tmp" && mv "$KX_CHECKPOINT_DIR/step.tmp" "$KX_CHECKPOINT_DIR/step"; }
trap 'save; exit 143' TERM
echo "$KX_UNIT starts at step $step"
loss=0.5
case $MODE in nan:$KX_UNIT) loss=NaN ;; esac
metric=0.9
case $MODE in low) metric=0.2 ;; esac
while [ "$step" -lt "$STEPS" ]; do
  next=$((step + 1))
  echo "{\\"step\\":$next,\\"time\\":17e8,\\"loss\\":$loss}" >>"$KX_UNIT_DIR/metrics.jsonl"
  step=$next
  save
  sleep "$STEP_SECONDS" & wait $!
done
case $MODE in
  hang:$KX_UNIT) while :; do sleep 1 & wait $!; done ;;
  resultless) exit 0 ;;
esac
echo "{\\"acc\\":$metric,\\"nested\\":{\\"acc\\":0.001},\\"steps\\":$step,\\"nan_count\\":0}" >"$KX_UNIT_DIR/r.tmp"
mv "$KX_UNIT_DIR/r.tmp" "$KX_UNIT_DIR/result.json"
`

export const afterScript = `cat "$KX_RUN_DIR"/units/*/result.json | wc -l >"$KX_RUN_DIR/summary.tmp" && mv "$KX_RUN_DIR/summary.tmp" "$KX_RUN_DIR/summary"`

export interface Box {
  readonly project: string
  readonly folder: string
  readonly request: SubmitRequest
}

export interface BoxOptions {
  readonly units?: number
  readonly workers?: number
  readonly mode?: string
  readonly steps?: number
  readonly stepSeconds?: number
  readonly plan?: Record<string, unknown>
  readonly token?: string
  readonly files?: Record<string, string>
}

/** A project and a plan in a scratch folder, and the request that launches it. */
export function makeBox(options: BoxOptions = {}): Box {
  const root = mkdtempSync(join(tmpdir(), 'kx-box-'))
  const project = join(root, 'project')
  const folder = join(root, 'data', 'run-1')
  const files = { 'unit.sh': unitScript, 'after.sh': afterScript, ...options.files }
  const code: CodeFile[] = Object.entries(files).map(([path, text]) => {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text)
    return {
      path,
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
      mode: 0o644,
    }
  })
  const count = options.units ?? 6
  const plan: Plan = planSchema.parse({
    version: 1,
    name: 'tiny',
    goal: 'Prove the runner.',
    metrics: [{ name: 'acc', direction: 'higher', chance: 0.5, primary: true }],
    command: ['sh', 'unit.sh'],
    environmentVariables: {
      MODE: options.mode ?? 'plain',
      STEPS: String(options.steps ?? 2),
      STEP_SECONDS: String(options.stepSeconds ?? 0.02),
    },
    units: { range: { from: 1, to: count } },
    environment: { kind: 'system', interpreter: 'sh' },
    resources: { compute: 'cpu', workers: options.workers ?? 2 },
    checkpoints: { bytes: 2, count },
    artifacts: [{ glob: 'units/*/result.json', minimumCount: count, kind: 'json' }],
    after: [{ name: 'count', command: ['sh', 'after.sh'], timeoutSeconds: 20 }],
    budget: { usd: 0, hours: 1 },
    ...options.plan,
  })
  return {
    project,
    folder,
    request: {
      runId: 'run-1',
      token: options.token ?? 'kx-run-1-launch-1',
      folder,
      plan,
      units: expandUnits(plan),
      workers: options.workers ?? 2,
      threadsPerWorker: null,
      gpus: [],
      detach: ['setsid'],
      leaseUntilMs: null,
      projectFolder: project,
      code,
      timing: { graceSeconds: 3, heartbeatSeconds: 1, pollSeconds: 0.05 },
    },
  }
}

const { runner: runnerSource, guard: guardSource } = await boxScripts()
const runnerOf = (box: Box) => join(dirname(box.folder), 'runner.sh')
const guardOf = (box: Box) => join(dirname(box.folder), 'guard.sh')

/** Lays the box out without the engine, the runner beside it. */
export function layOut(box: Box): void {
  for (const [path, text] of flatFiles(box.request)) {
    mkdirSync(dirname(join(box.folder, path)), { recursive: true })
    writeFileSync(join(box.folder, path), text)
  }
  for (const file of box.request.code) {
    mkdirSync(dirname(join(box.folder, 'code', file.path)), { recursive: true })
    writeFileSync(join(box.folder, 'code', file.path), readFileSync(join(box.project, file.path)))
  }
  writeFileSync(runnerOf(box), runnerSource)
  writeFileSync(guardOf(box), guardSource)
}

/** Starts the runner under a given shell, in a group of its own. */
export function startRunner(shell: readonly string[], box: Box, env = process.env): ChildProcess {
  const [program = 'sh', ...rest] = shell
  return spawn(program, [...rest, runnerOf(box), box.folder], { detached: true, stdio: 'ignore', env })
}

/** The guard of a box that was laid out, in a group of its own. It leaves when its folder is gone. */
export function startGuard(shell: readonly string[], box: Box, env = process.env): ChildProcess {
  const [program = 'sh', ...rest] = shell
  return spawn(program, [...rest, guardOf(box), box.folder], { detached: true, stdio: 'ignore', env })
}

/**
 * A command that stands for the one that parks a machine. It is fake, and strict: anything but the very words that it was
 * made with ends it with 64. What it was asked, and when, is in `asked` beside it, one line a call.
 */
export function fakePark(box: Box, exitCode = 0): { readonly argv: readonly string[]; asked(): readonly string[] } {
  const at = join(dirname(box.folder), 'kx-fake-park')
  mkdirSync(at, { recursive: true })
  const path = join(at, 'kx-fake-park')
  writeFileSync(
    path,
    `#!/bin/sh\n[ "$#" = 2 ] && [ "$1" = stop ] && [ "$2" = 'keep disk' ] || { echo "refused: $*" >>"${at}/asked"; exit 64; }\necho "$1 $2" >>"${at}/asked"\nexit ${exitCode}\n`,
    { mode: 0o755 },
  )
  // A line that is being written is none yet.
  const asked = () =>
    existsSync(join(at, 'asked')) ? readFileSync(join(at, 'asked'), 'utf8').split('\n').slice(0, -1) : []
  return { argv: [path, 'stop', 'keep disk'], asked }
}

/** A `date` that is ahead by the seconds that `jump` says: for clocks that are set while a run runs. */
export function jumpingClock(box: Box): { readonly env: NodeJS.ProcessEnv; jump(seconds: number): void } {
  const bin = join(dirname(box.folder), 'bin')
  const real = execFileSync('sh', ['-c', 'command -v date']).toString().trim()
  mkdirSync(bin, { recursive: true })
  writeFileSync(
    join(bin, 'date'),
    `#!/bin/sh\nread -r ahead <${join(bin, 'ahead')}\nnow=$(${real} +%s%3N)\necho $((now + ahead * 1000))\n`,
    { mode: 0o755 },
  )
  const jump = (seconds: number) => {
    writeFileSync(join(bin, 'ahead.tmp'), `${seconds}\n`)
    renameSync(join(bin, 'ahead.tmp'), join(bin, 'ahead'))
  }
  jump(0)
  return { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }, jump }
}

export async function exited(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
}

export async function until<T>(what: () => T | null | undefined | false, seconds = 60): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const answer = what()
    if (answer !== null && answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await new Promise((wake) => setTimeout(wake, 10))
  }
}

export const readText = (box: Box, path: string): string | null =>
  existsSync(join(box.folder, path)) ? readFileSync(join(box.folder, path), 'utf8') : null

export const readJson = (box: Box, path: string): Record<string, unknown> | null => {
  const text = readText(box, path)
  return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
}

export const names = (box: Box, path: string): string[] =>
  existsSync(join(box.folder, path)) ? readdirSync(join(box.folder, path)).sort() : []

/** Fields of a unit's exit file. */
export function unitExit(box: Box, unit: string): Record<string, string> | null {
  const text = readText(box, `units/${unit}/exit`)
  if (text === null) return null
  return Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

export const events = (box: Box): Record<string, unknown>[] =>
  (readText(box, 'events.jsonl') ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Process ids of everything whose environment says that it belongs to this box. */
export function processesOf(box: Box): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`KX_RUN_DIR=${box.folder}`) &&
          !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
        )
      } catch {
        return false
      }
    })
}

export function hasProgram(name: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
