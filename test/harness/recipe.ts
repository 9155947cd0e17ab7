import type { z } from 'zod'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { hostShell } from '../../src/host/zx/shell.ts'
import type {
  CellContext,
  CellDone,
  CellPlan,
  CellProbe,
  KxAnswer,
  Recipe,
  RecipeRun,
  RecipeTier,
} from '../../src/recipe/contract.ts'
import { CellFailed } from '../../src/recipe/failed.ts'

export interface RecipeBenchOptions {
  /** As a person would give them: defaults of the schema are filled in, and it refuses what it refuses. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly profile?: string
  readonly tiers?: readonly RecipeTier[]
  readonly mirrors?: Readonly<Record<string, string>>
  /** Folder of the run on the host. */
  readonly folder?: string | null
  readonly run?: Partial<RecipeRun> | null
  /** Answers of kx's own commands; default: every call is an error of the test. */
  readonly kx?: (commandId: string, args: Readonly<Record<string, unknown>>) => Promise<KxAnswer>
  /** Environment of every command on the host, such as a PATH with stubs. */
  readonly env?: Readonly<Record<string, string>>
}

/** A recipe at one real host, cell by cell, without runner, journal and gates. */
export interface RecipeBench {
  /** What a plan finds is what `run` gets as its targets. */
  plan(cell: string): Promise<CellPlan>
  probe(cell: string): Promise<CellProbe>
  when(cell: string): Promise<true | string>
  isTrue(cell: string): Promise<boolean>
  /** Plan first where there is one, then run within the cell's time. */
  run(cell: string): Promise<CellDone | undefined>
  undo(cell: string): Promise<CellDone | undefined>
  /** Everything that the commands and `say` put out so far. */
  output(): string
  readonly results: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  close(): Promise<void>
}

/** Makes it; `close` ends what still runs there, and leaves the host open. */
export async function benchRecipe<S extends z.ZodObject>(
  recipe: Recipe<S>,
  host: Host,
  options: RecipeBenchOptions = {},
): Promise<RecipeBench> {
  const parameters = recipe.parameters.parse(options.parameters ?? {})
  const pieces: string[] = []
  const results: Record<string, Record<string, unknown>> = {}
  const targetsOf = new Map<string, readonly string[]>()
  const local = createLocalHost()
  const onLog = (entry: { kind: string; verbose?: boolean; data?: unknown }) => {
    if ((entry.kind === 'stdout' || entry.kind === 'stderr') && entry.verbose === true) pieces.push(String(entry.data))
  }
  const env = options.env ?? {}
  const there = await hostShell(host, { onLog, env, graceSeconds: 1 })
  const here = await hostShell(local, { onLog, graceSeconds: 1 })
  const run: RecipeRun | null =
    options.run === undefined || options.run === null
      ? null
      : {
          id: 'run-1',
          name: 'test',
          boxFolder: options.folder ?? null,
          projectFolder: '/nowhere',
          units: [],
          plan: {},
          configDigest: null,
          ...options.run,
        }
  const cellOf = (name: string) => {
    const cell = recipe.cells.find((each) => each.name === name)
    if (cell === undefined)
      throw new Error(`${recipe.id} has no cell ${name}, only ${recipe.cells.map((c) => c.name).join(', ')}`)
    return cell
  }
  const contextOf = (name: string, signal: AbortSignal): CellContext<z.infer<S>> => {
    const isHere = cellOf(name).on === 'here'
    const at = isHere ? local : host
    return {
      $: isHere ? here.$ : there.$({ signal }),
      local$: here.$,
      host: {
        name: at.name,
        identity: (s) => at.identity(s),
        script: (source, args, given) => at.script(source, args, { ...given, env: { ...env, ...given?.env } }),
        stat: (path) => at.stat(path),
        list: (path) => at.list(path),
        read: (path, offset, length) => at.read(path, offset, length),
        tail: (path, from, length) => at.tail(path, from, length),
        write: (path, bytes, mode) => at.write(path, bytes, mode),
        sha256: (path, s) => at.sha256(path, s),
        kill: (process, graceSeconds) => at.kill(process, graceSeconds),
        isAlive: (process) => at.isAlive(process),
        removeTree: (path, mustBeUnder) => at.removeTree(path, mustBeUnder),
        profile: options.profile ?? 'generic-ssh',
        folder: options.folder ?? null,
        tiers: options.tiers ?? [],
        mirrors: options.mirrors ?? {},
      },
      parameters,
      run,
      signal,
      targets: targetsOf.get(name) ?? [],
      say: (line) => pieces.push(`kx: ${line}\n`),
      record: async (key, value) => {
        // Through text, as it would come back after a crash.
        results[name] = { ...results[name], [key]: JSON.parse(JSON.stringify(value)) as unknown }
      },
      results,
      kx: (commandId, args = {}) =>
        options.kx?.(commandId, args) ?? Promise.reject(new Error(`the test answers no kx command (${commandId})`)),
      fail: (what, next) => {
        throw new CellFailed(what, next)
      },
    }
  }
  const within = async <T>(name: string, body: (context: CellContext<z.infer<S>>) => Promise<T> | T): Promise<T> => {
    const over = AbortSignal.timeout(cellOf(name).timeoutSeconds * 1000)
    return body(contextOf(name, over))
  }
  const plan = (name: string) =>
    within(name, async (context): Promise<CellPlan> => {
      const none: CellPlan = { change: 'unknown', lines: ['no plan'], foundBy: 'declared' }
      const answer = (await cellOf(name).plan?.(context)) ?? none
      targetsOf.set(name, answer.targets ?? [])
      return answer
    })
  return {
    plan,
    probe: (name) => within(name, (context) => cellOf(name).probe?.(context) ?? Promise.resolve('unknown' as const)),
    when: (name) => within(name, (context) => cellOf(name).when?.(context) ?? true),
    isTrue: (name) => within(name, (context) => cellOf(name).waitUntil?.isTrue(context) ?? Promise.resolve(true)),
    run: async (name) => {
      if (cellOf(name).plan !== undefined) await plan(name)
      return within(name, (context) => cellOf(name).run(context))
    },
    undo: async (name) => {
      const { undo } = cellOf(name)
      if (undo === undefined) throw new Error(`${name} has no undo`)
      return within(name, undo)
    },
    output: () => pieces.join(''),
    results,
    close: async () => {
      await Promise.allSettled([there.close(), here.close()])
      await local.close()
    },
  }
}
