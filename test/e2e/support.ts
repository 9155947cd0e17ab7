import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { JournalRecord } from '../../src/run/types.ts'
import { node } from '../harness/apps.ts'
import { builtEntry, builtEnv } from '../harness/built.ts'
import { startPty } from '../harness/pty.ts'
import { waitUntil } from '../harness/wait.ts'

export const isFull = process.env.KX_FULL === '1'

/** Machines differ, and several suites may run at once: this is how long a whole act may take before a test gives up. */
export const ACT_MS = 60_000

const sample = resolve(import.meta.dirname, '../../examples/cpcv')

export interface PlaceOptions {
  /** Groups of which two are held out: 5 make 10 units, 4 make 6. */
  readonly groups?: number
  readonly epochs?: number
  readonly fault?: string
  /** Replacements in the text of the plan; each must be there. */
  readonly plan?: readonly (readonly [string, string])[]
}

/** A copy of the sample with state, data, cache, settings and home of its own: nothing of this user is read or written. */
export interface Place {
  readonly root: string
  readonly project: string
  readonly state: string
  readonly env: Record<string, string>
  readonly units: number
}

const places: Place[] = []

export function makePlace(options: PlaceOptions = {}): Place {
  const { groups = 4, epochs = 60, fault = '', plan = [] } = options
  const units = (groups * (groups - 1)) / 2
  const root = mkdtempSync(join(tmpdir(), 'kx-e2e-'))
  const project = join(root, 'cpcv')
  cpSync(sample, project, { recursive: true, filter: (path) => !/[\\/](\.kx|out)$/.test(path) })
  const text = replaced(readFileSync(join(project, 'kx.yaml'), 'utf8'), [
    ['groups: 10, choose: 2', `groups: ${groups}, choose: 2`],
    ['CPCV_FAULT: ""', `CPCV_FAULT: "${fault}"\n  CPCV_EPOCHS: "${epochs}"`],
    ['"45"', `"${units}"`],
    ['killAfterSteps: 20', 'killAfterSteps: 6'],
    ...plan,
  ]).replaceAll('minimumCount: 45', `minimumCount: ${units}`)
  writeFileSync(join(project, 'kx.yaml'), text)
  const config = join(project, 'config.json')
  // What is trained matters to no test but its accuracy, and a sixteenth of the network still has that. Its epochs wait
  // where they would compute: what is to be killed in the middle of a unit has to meet it there.
  const train = join(project, 'train.mjs')
  const waits: [string, string][] = [
    ['setImmediate as pause', 'setTimeout as pause'],
    ['await pause()', 'await pause(8)'],
  ]
  writeFileSync(train, replaced(readFileSync(train, 'utf8'), waits))
  const small: [string, string][] = [
    ['"groups": 10', `"groups": ${groups}`],
    ['"hidden": 64', '"hidden": 4'],
  ]
  writeFileSync(config, replaced(readFileSync(config, 'utf8'), small))
  const state = join(root, 'user')
  const folder = (name: string) => {
    mkdirSync(join(state, name), { recursive: true, mode: 0o700 })
    return join(state, name)
  }
  // The compile cache is shared by all places: it is no state of kx, and every start would pay for an empty one.
  const env = builtEnv(state, {
    HOME: folder('home'),
    TMUX_TMPDIR: folder('tmux'),
    NODE_COMPILE_CACHE: join(tmpdir(), 'kx-e2e-compile'),
  })
  const place = { root, project, state, env, units }
  places.push(place)
  return place
}

/** Replaces what must be there; a text that changed under the test fails here and not somewhere else. */
export function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  let out = text
  for (const [from, to] of pairs) {
    if (!out.includes(from)) throw new Error(`the file does not hold ${JSON.stringify(from)} any more`)
    out = out.replace(from, to)
  }
  return out
}

/** Ends what still runs in the places and removes them. For `afterEach`. */
export function clearPlaces(): void {
  for (const place of places.splice(0)) {
    killBox(place.state)
    rmSync(place.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

/**
 * SIGKILL to every process whose words or environment name a folder of ours: a machine that loses its power, or the end
 * of a test. No process of anybody else can name a folder with a random end.
 */
export const killBox = (folder: string): void => signalBox(folder, 'SIGKILL')

/** The same with another signal: a machine whose programs stand still, and go on. */
export function signalBox(folder: string, signal: NodeJS.Signals): void {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    try {
      const names = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder)
      if (names('cmdline') || names('environ')) process.kill(Number(pid), signal)
    } catch {
      // It is gone already, or is not ours to look at.
    }
  }
}

export interface CliResult {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly onStart?: (child: ChildProcess) => void
}

/** Runs the built kx without a terminal. */
export function kx(place: Place, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((done, fail) => {
    const child = spawn(node, [builtEntry(), '--project', place.project, ...args], {
      cwd: options.cwd ?? place.project,
      env: { ...place.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    child.once('error', fail)
    child.once('close', (code, signal) => done({ code, signal, stdout, stderr }))
    options.onStart?.(child)
  })
}

export interface JsonAnswer {
  readonly ok: boolean
  readonly exitCode: number
  readonly summary?: string
  readonly error?: string
  // biome-ignore lint/suspicious/noExplicitAny: every command has data of its own
  readonly data?: any
}

/** Runs a command with `--json`; what it prints must be one JSON value, and nothing else. */
export async function kxJson(place: Place, args: readonly string[], options: CliOptions = {}): Promise<JsonAnswer> {
  const { code, stdout, stderr } = await kx(place, [...args, '--json'], options)
  let answer: JsonAnswer
  try {
    answer = JSON.parse(stdout) as JsonAnswer
  } catch {
    throw new Error(`kx ${args.join(' ')} --json printed no JSON (exit ${code}):\n${stdout}\n${stderr}`)
  }
  if (answer.exitCode !== code) throw new Error(`kx ${args.join(' ')} says ${answer.exitCode} and ends with ${code}`)
  return answer
}

/** Runs commands in order; each must end with 0. */
export async function mustPass(place: Place, ...commands: readonly (readonly string[])[]): Promise<void> {
  for (const words of commands) {
    const { code, stdout, stderr } = await kx(place, words)
    if (code !== 0) throw new Error(`kx ${words.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  }
}

/** `kx approve`, answered by a person at a terminal. */
export const approve = (place: Place) => answerYes(place, ['approve'])

/** A command that asks a person, who types yes. */
export async function answerYes(place: Place, words: readonly string[]): Promise<string> {
  const app = startPty({
    command: node,
    args: [builtEntry(), '--project', place.project, ...words],
    cwd: place.project,
    env: place.env,
    columns: 120,
  })
  try {
    await app.waitForText('Type yes:', ACT_MS)
    app.press('yes', 'enter')
    const { exitCode } = await app.exited
    await app.emulator.settled()
    if (exitCode !== 0) throw new Error(`kx ${words.join(' ')} ended with ${exitCode}:\n${app.text()}`)
    return app.text()
  } finally {
    await app.dispose()
  }
}

/** Every gate up to the launch, passed. */
export async function passGates(place: Place): Promise<void> {
  await mustPass(place, ['plan'], ['audit'], ['smoke'], ['cost'])
  await approve(place)
}

/** Ids of the project's runs, oldest first. */
export function runIds(place: Place): string[] {
  const folder = join(place.project, '.kx', 'runs')
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d{8}-/.test(name))
        .sort()
    : []
}

export function runFolderOf(place: Place): string {
  const id = runIds(place).at(-1)
  if (id === undefined) throw new Error('the project has no run')
  return join(place.project, '.kx', 'runs', id)
}

/** Folders of runs on the box, which is this machine. */
export function boxFolders(place: Place): string[] {
  const folder = join(place.state, 'data', 'kx', 'boxes')
  // An audit that was killed may have left the file with which it tried whether the place takes one.
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d{8}-/.test(name)) : []
  return names.map((name) => join(folder, name))
}

export function boxFolderOf(place: Place): string {
  const [folder, ...more] = boxFolders(place)
  if (folder === undefined || more.length > 0) throw new Error(`one box folder expected: ${folder}, ${more.join()}`)
  return folder
}

export function unitNames(box: string): string[] {
  const folder = join(box, 'units')
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/** Waits until the runner has written its last file. */
export async function boxEnded(place: Place): Promise<{ code: number; reason: string }> {
  const file = join(boxFolderOf(place), 'exit.json')
  await waitUntil(() => existsSync(file), { timeoutMs: 2 * ACT_MS, what: file, describe: () => tail(place) })
  return JSON.parse(readFileSync(file, 'utf8')) as { code: number; reason: string }
}

function tail(place: Place): string {
  const file = join(boxFolderOf(place), 'events.jsonl')
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : 'no events'
}

/**
 * Reads a journal and checks its chain by itself, without the code under test: each line names the SHA-256 of the one
 * before, sequences have no gap, fences never fall. A torn last line is left out, as it may be after a kill.
 */
export function readJournal(folder: string): JournalRecord[] {
  const text = readFileSync(join(folder, 'journal.jsonl'), 'utf8')
  const lines = text.split('\n').slice(0, -1)
  let previous = '0'.repeat(64)
  let fence = 0
  return lines.map((line, i) => {
    const record = JSON.parse(line) as JournalRecord
    if (record.previous !== previous) throw new Error(`the chain breaks at line ${i + 1} of ${folder}`)
    if (record.sequence !== i + 1) throw new Error(`line ${i + 1} has sequence ${record.sequence}`)
    if (record.fence < fence) throw new Error(`line ${i + 1} has fence ${record.fence} after ${fence}`)
    previous = createHash('sha256').update(line).digest('hex')
    fence = record.fence
    return record
  })
}

/** Payloads of one kind of record. */
export function payloads<T>(records: readonly JournalRecord[], kind: JournalRecord['kind']): T[] {
  return records.filter((record) => record.kind === kind).map((record) => record.payload as T)
}

/** Bytes of the newest run's journal; 0 while there is none. */
export function journalBytes(place: Place): number {
  const id = runIds(place).at(-1)
  const file = join(place.project, '.kx', 'runs', id ?? '', 'journal.jsonl')
  return id !== undefined && existsSync(file) ? statSync(file).size : 0
}

/** Random numbers from a seed, 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
