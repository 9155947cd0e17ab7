import type { CellWriter } from '../run/act.ts'
import { launchedFolder } from '../run/box-folder.ts'
import { keepLasting } from '../run/cell-process.ts'
import type { RunState } from '../run/types.ts'
import type { RecipeRun } from './contract.ts'
import type { CellDescription } from './describe.ts'
import { keepValue, keptValues } from './kept.ts'
import type { Answers, AskedCell, Part } from './messages.ts'
import type { Opened } from './request.ts'
import { pastOf } from './rules.ts'

/** Time for a look: a plan, a probe, a condition. What runs has the time that its cell declares. */
const lookSeconds = 60

/** Name of the host under which a cell is recorded. */
export const hostOfCell = (cell: CellDescription, host: string, hosts: readonly string[]): string =>
  cell.on === 'here' ? 'local' : cell.on === 'first' ? (hosts[0] ?? host) : host

/** What earlier cells kept on a host, by cell: those that are done, and one that a crash cut short. */
export function resultsFor(opened: Opened, host: string, hosts: readonly string[]): AskedCell['results'] {
  const { run } = opened.rooms.context
  const { cells } = run.state()
  const results: Record<string, Readonly<Record<string, unknown>>> = {}
  for (const cell of opened.description.cells) {
    const past = pastOf(cells, { recipeRun: opened.recipeRun, cell: cell.name, host: hostOfCell(cell, host, hosts) })
    if (past.kind !== 'none') results[cell.name] = keptValues(run.folder, past.cellId)
  }
  return results
}

/** Asks one part of a cell, at one host. `writer` takes the output; its id marks what is started. */
export async function askCell<P extends Part>(
  opened: Opened,
  part: P,
  cell: CellDescription,
  at: { readonly host: string; readonly hosts: readonly string[] },
  more: { readonly writer: CellWriter; readonly targets: readonly string[]; readonly seconds?: number },
): Promise<Answers[P]> {
  const { rooms, parameters } = opened
  const { context } = rooms
  const { writer } = more
  const name = hostOfCell(cell, at.host, at.hosts)
  const { host, profile } = name === 'local' ? { host: rooms.here, profile: context.profile } : await rooms.reach(name)
  const state = context.run.state()
  // A cell that runs here for another host has no folder of the run; a run that was launched here has one.
  const folder = name === 'local' && at.host !== 'local' ? null : boxFolderOf(state, name)
  return opened.process.ask(
    part,
    {
      cell: cell.name,
      host: {
        name: host.name,
        kind: host.kind,
        profile: profile.platform,
        folder,
        tiers: profile.storage.tiers.map(({ id, purpose, path, survives }) => ({ id, purpose, path, survives })),
        mirrors: profile.mirrors?.environment ?? {},
      },
      run: factsOf(state, context.loaded, folder),
      parameters,
      targets: more.targets,
      results: resultsFor(opened, at.host, at.hosts),
    },
    more.seconds ?? Math.min(lookSeconds, Math.max(cell.timeoutSeconds, 10)),
    {
      host,
      here: rooms.here,
      signal: context.signal,
      mark: writer.cellId,
      out: (stream, bytes) => writer[stream](bytes),
      say: (line) => writer.say(line),
      began: (process, ending) => keepLasting(writer, host.name, process, ending),
      record: async (key, value) => keepValue(context.run.folder, writer.cellId, key, context.run.scrub(value)),
      kx: (commandId, args) => rooms.kx(commandId, args),
      question: async (text) => (await rooms.ask.text(text, '')) ?? '',
    },
  )
}

function boxFolderOf(state: RunState, host: string): string | null {
  const hosts = state.fleet?.hosts ?? []
  if (hosts.length < 2) return launchedFolder(state)
  const receipt = state.proofs.findLast((proof) => proof.kind === 'Receipt' && proof.host?.host === host)
  return receipt === undefined ? null : launchedFolder({ ...state, latest: { ...state.latest, Receipt: receipt } })
}

function factsOf(state: RunState, loaded: Opened['rooms']['context']['loaded'], boxFolder: string | null): RecipeRun {
  const rows = (state.observation?.payload as { readonly units?: unknown } | undefined)?.units
  const seen = new Map(
    Array.isArray(rows) ? rows.map((row: { unit?: string; state?: string }) => [row.unit, row.state] as const) : [],
  )
  return {
    id: state.runId,
    name: state.created.planName,
    boxFolder,
    projectFolder: loaded.projectFolder,
    units: loaded.units.map((unit) => ({ id: unit.id, state: seen.get(unit.id) ?? 'unknown' })),
    // As plain data: it travels to another process.
    plan: JSON.parse(JSON.stringify(loaded.plan)) as Readonly<Record<string, unknown>>,
    configDigest: loaded.digests.config ?? null,
  }
}
