import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { ReplHouse } from '../repl/house.ts'
import type { ScopeFacts } from '../repl/types.ts'
import type { ActResult, CellWriter } from '../run/act.ts'
import { runFolder } from '../run/folder.ts'
import { livenessOf, readRunState, stageOf } from '../run/reader.ts'
import type { RunState } from '../run/types.ts'
import { hostOf, outputStages, profileOf } from './act.ts'
import { knownSecrets } from './known-secrets.ts'
import { completeLine, parseLine, validateArgs } from './line.ts'
import { openForWriting, systemClock } from './open.ts'
import { readPlanView } from './plan-view.ts'
import type { Registry } from './registry.ts'
import type { CommandEnvironment, CommandSpec } from './types.ts'

export interface HouseOptions {
  readonly registry: Registry
  /** Environment for one act at the prompt; its questions are asked where the prompt is. */
  readonly environment: (signal: AbortSignal) => CommandEnvironment
  /** Run that is open now. */
  readonly runId: () => string | null
  /** Carries out a command that only the workbench has; absent: there is no workbench. */
  readonly inWorkbench?: (spec: CommandSpec) => ActResult
  /** Why a command cannot run now; absent: it is for the command to say. */
  readonly whyNot?: (spec: CommandSpec, given: Readonly<Record<string, unknown>>) => string | null
}

const cellsShown = 500
const namesShown = 200

/** The house around a prompt: the registry, hosts, runs and the notebook, as the commands have them. */
export async function replHouse(options: HouseOptions): Promise<ReplHouse> {
  const env = options.environment(new AbortController().signal)
  const { projectFolder } = env
  const facts = factsReader(options)
  const act = async (spec: CommandSpec, args: unknown, signal: AbortSignal): Promise<ActResult> => {
    const checked = validateArgs(spec, (args ?? {}) as Record<string, unknown>)
    if (!checked.ok) throw new TypeError(checked.text)
    const why = options.whyNot?.(spec, checked.parsed.args as Record<string, unknown>) ?? null
    if (why !== null) throw new Error(`${spec.title}: ${why}`)
    if (spec.run !== undefined) return spec.run(options.environment(signal), checked.parsed.args)
    if (options.inWorkbench !== undefined) return options.inWorkbench(spec)
    throw new Error(`${spec.id} works in the workbench only; start kx without words`)
  }
  return {
    projectFolder,
    secrets: await knownSecrets([]),
    commands: options.registry.specs
      .filter((spec) => !isOfPrompt(spec))
      .map(({ id, positional }) => ({ id, positional: positional ?? [] })),
    facts,
    openHost: (name, signal) => hostOf(name, { ...options.environment(signal), signal }),
    command: async (id, args, signal) => {
      const spec = options.registry.get(id)
      if (spec === undefined || isOfPrompt(spec)) throw new Error(`no command ${id}`)
      return act(spec, args, signal)
    },
    line: async (text, signal) => {
      const parsed = parseLine(options.registry.specs, text)
      if (!parsed.ok) return { summary: parsed.text, exitCode: 2, data: null }
      if (isOfPrompt(parsed.parsed.spec)) return { summary: 'the prompt is open already', exitCode: 2, data: null }
      return act(parsed.parsed.spec, parsed.parsed.args, signal)
    },
    completeLine: (text) => completeLine(options.registry.specs, text),
    runs: async () => {
      const [{ createHomeReader }, { userFolders }] = await Promise.all([
        import('../session/home.ts'),
        import('../session/paths.ts'),
      ])
      const { runs } = createHomeReader(userFolders(process.env).state).read(Date.now(), false)
      return runs.map((run) => ({
        runId: run.runId,
        project: run.project,
        plan: run.planName,
        stage: run.stage,
        liveness: run.liveness,
        unitsDone: run.unitsDone,
        unitsTotal: run.unitsTotal,
        openFindings: run.openFindings,
      }))
    },
    samples: (name, sinceMs) => samplesOf(options, projectFolder, name, sinceMs),
    names: async (kind, beginning) => {
      const all = await namesOf(kind, beginning, options, facts, projectFolder)
      return all.filter((name) => name.startsWith(beginning)).slice(0, namesShown)
    },
    record: (entry) => record(options, entry),
  }
}

/** The prompt is not opened from within the prompt. */
const isOfPrompt = (spec: CommandSpec) => spec.id.startsWith('prompt.')

async function record(
  options: HouseOptions,
  { source, risk, host }: Parameters<ReplHouse['record']>[0],
): Promise<CellWriter | null> {
  const env = options.environment(new AbortController().signal)
  const runId = options.runId() ?? (await currentRun(env.projectFolder))
  if (runId === null) return null
  const [{ openCell }, { newIds }, stages] = await Promise.all([
    import('../notebook/cell-writer.ts'),
    import('../session/ids.ts'),
    outputStages(env, []),
  ])
  const { onOutput: _live, ...output } = stages
  const run = await openForWriting(env, runId)
  try {
    const title = (source.split('\n')[0] ?? '').slice(0, 80)
    const writer = await openCell(
      run,
      { name: 'repl', title, args: { host }, risk, source, phase: 'repl' },
      { clock: systemClock, newId: newIds(systemClock), who: env.who, via: 'prompt', host: null, ...output },
    )
    // A run that is held open by a prompt nobody types at would look taken to every other kx.
    return { ...bound(writer), end: (ended) => writer.end(ended).finally(() => run.close()) }
  } catch (error) {
    await run.close()
    throw error
  }
}

const bound = (writer: CellWriter): CellWriter => ({
  cellId: writer.cellId,
  stdout: (chunk) => writer.stdout(chunk),
  stderr: (chunk) => writer.stderr(chunk),
  say: (line) => writer.say(line),
  end: (ended) => writer.end(ended),
})

async function currentRun(projectFolder: string): Promise<string | null> {
  return (await import('../session/current-run.ts')).currentRunId(projectFolder, Date.now())
}

/** Reads run, plan and profile, each again only when its file was written since. */
function factsReader(options: HouseOptions): () => Promise<ScopeFacts> {
  let key = ''
  let known: ScopeFacts | null = null
  return async () => {
    const env = options.environment(new AbortController().signal)
    const { projectFolder, settings } = env
    const runId = options.runId() ?? (await currentRun(projectFolder))
    const folder = runId === null ? null : runFolder(projectFolder, runId)
    const { loadSettings } = await import('./open.ts')
    const { config } = await loadSettings(projectFolder, settings)
    const now = JSON.stringify([
      runId,
      folder === null ? null : stampOf(join(folder, 'journal.jsonl')),
      stampOf(resolve(projectFolder, config.planFile)),
    ])
    if (known !== null && now === key) return known
    const state = folder === null ? null : readRunState(folder)
    const view = await readPlanView(projectFolder, settings)
    const plan = view.status === 'ok' ? view.loaded.plan : null
    // Secrets that the plan names are masked from now on, here too: there is one register.
    if (plan !== null) await knownSecrets(plan.secrets)
    const profile = plan === null ? null : await profileOf(plan.profiles[0] ?? 'local').catch(() => null)
    const hosts = [...new Set([...(plan?.hosts ?? []), ...(state?.fleet?.hosts ?? []), 'local'])]
    known = {
      host: plan?.hosts[0] ?? 'local',
      hosts,
      run: state === null ? null : runFacts(state),
      plan: plainData(plan),
      profile: plainData(profile),
      cells: state === null ? [] : state.cells.slice(-cellsShown).map(cellFacts),
    }
    key = now
    return known
  }
}

const stampOf = (file: string): string => {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.size} ${found.mtimeMs}`
}

const plainData = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown

function runFacts(state: RunState): object {
  return plainData({
    runId: state.runId,
    createdAt: new Date(state.createdAtMs),
    stage: stageOf(state),
    liveness: livenessOf(state, Date.now()).liveness,
    findings: state.findings,
    meters: state.meters,
    proofs: state.proofs.map(({ id, kind, atMs, host }) => ({
      id,
      kind,
      at: new Date(atMs),
      host: host?.host ?? null,
    })),
  }) as object
}

const cellFacts = ({ started, startedAtMs, ended }: RunState['cells'][number]) => ({
  cell: started.cellId,
  name: started.name,
  title: started.title,
  state: ended?.state ?? 'running',
  host: started.host?.host ?? null,
  at: new Date(startedAtMs).toISOString(),
  seconds: ended === null ? null : ended.durationMs / 1000,
  exit: ended?.exitCode ?? null,
  summary: ended?.summary ?? '',
})

async function samplesOf(
  options: HouseOptions,
  projectFolder: string,
  name: string | null,
  sinceMs: number | null,
): Promise<unknown> {
  const runId = options.runId() ?? (await currentRun(projectFolder))
  const file = runId === null ? null : join(runFolder(projectFolder, runId), 'samples.db')
  if (file === null || statSync(file, { throwIfNoEntry: false }) === undefined)
    throw new Error('this run has no samples yet: patrol takes them')
  const { openSamples } = await import('../patrol/samples.ts')
  const samples = openSamples(file)
  try {
    return name === null ? samples.names() : samples.series(name, sinceMs ?? 0)
  } finally {
    samples.close()
  }
}

async function namesOf(
  kind: Parameters<ReplHouse['names']>[0],
  beginning: string,
  options: HouseOptions,
  facts: () => Promise<ScopeFacts>,
  projectFolder: string,
): Promise<readonly string[]> {
  switch (kind) {
    case 'hosts':
      return (await facts()).hosts
    case 'runs':
      return (await import('../run/folder.ts')).listRunIds(projectFolder)
    case 'columns':
      return (await samplesOf(options, projectFolder, null, null).catch(() => [])) as readonly string[]
    case 'recipes': {
      const { listRecipes } = await import('./recipes.ts')
      const { data } = await listRecipes(options.environment(new AbortController().signal))
      return (data as { readonly recipes: readonly { readonly id: string }[] }).recipes.map((recipe) => recipe.id)
    }
    case 'files': {
      const folder = beginning.endsWith('/') ? beginning : dirname(beginning)
      const head = beginning.includes('/') ? `${folder.replace(/\/$/, '')}/` : ''
      try {
        return readdirSync(resolve(projectFolder, folder), { withFileTypes: true })
          .filter((entry) => !entry.name.startsWith('.') || basename(beginning).startsWith('.'))
          .map((entry) => `${head}${entry.name}${entry.isDirectory() ? '/' : ''}`)
          .sort()
      } catch {
        return []
      }
    }
  }
}
