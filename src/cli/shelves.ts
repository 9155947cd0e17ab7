import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runFolder } from '../run/folder.ts'
import { closedStages, type RunSummary } from '../run/reader.ts'
import type { RunState } from '../run/types.ts'
import type { HomeReader } from '../session/home.ts'
import type { ListedChecklist, PlanView, RunRow, Shelves } from '../session/view.ts'
import { sanitise, sanitiseLine } from '../text/sanitise.ts'
import { mayBill } from '../walk/meter.ts'
import type { CompareShelf } from './compare-shelf.ts'
import type { FarLogReader } from './far-log.ts'
import { logReader } from './log-reader.ts'

export interface ShelfRequest {
  readonly screen: string
  readonly selected: (pane: string) => string | null
  readonly projectFolder: string
  readonly run: RunState | null
  readonly plan: PlanView
  readonly shelves: Shelves
  /** Whether a pane is on screen now, as it is when something is about to be read for it. */
  readonly isShown: (pane: string) => boolean
  /** Rows of a pane that are open in place. */
  readonly opened?: (pane: string) => readonly string[]
  /** Takes what is there before the rest of the answer. */
  readonly put: (part: Partial<Shelves>) => void
  /** Asks to be loaded again so much later, while the same screen is open. */
  readonly again: (milliseconds: number) => void
}

/** What is removed for good says so; before that the state of what runs, and before a launch how far the walk is. */
export function homeState(run: Pick<RunSummary, 'liveness' | 'stage'> & Partial<Pick<RunSummary, 'end'>>): string {
  if (closedStages.includes(run.stage)) return run.stage ?? 'unknown'
  // One that failed or was aborted has finished too, and the word for it is the one that a glance needs.
  if (run.liveness === 'finished' && (run.end === 'failed' || run.end === 'aborted')) return run.end
  return run.liveness ?? run.stage ?? 'unknown'
}

/** A box folder that was removed says nothing of a machine whose meter nobody has seen end. */
export function standing(state: string, open: readonly { readonly usdPerHour: number | null }[]): string {
  return state === 'torn down' && mayBill(open) ? 'unconfirmed' : state
}

async function openHome(): Promise<HomeReader> {
  const [{ createHomeReader }, { userFolders }] = await Promise.all([
    import('../session/home.ts'),
    import('../session/paths.ts'),
  ])
  return createHomeReader(userFolders(process.env).state)
}

function home(reader: HomeReader): Partial<Shelves> {
  const { runs, meters, warnings } = reader.read(Date.now(), false)
  return {
    home: {
      runs: runs.map((r): RunRow => {
        const open = meters.filter((m) => m.runId === r.runId)
        const isUnknown = open.some((m) => m.usdPerHour === null)
        return {
          runId: r.runId,
          project: sanitiseLine(r.project),
          projectFolder: r.projectFolder,
          name: sanitiseLine(r.planName),
          state: standing(homeState(r), open),
          progress: r.unitsTotal === null ? '' : `${r.unitsDone ?? '?'}/${r.unitsTotal}`,
          seenAtMs: r.seenAtMs ?? r.changedAtMs,
          usdPerHour: isUnknown ? null : open.reduce((sum, m) => sum + (m.usdPerHour ?? 0), 0),
          openFindings: r.openFindings,
          isArchived: r.isArchived,
          reason: r.reason,
        }
      }),
      meters: meters.map((m) => (m.note === undefined ? m : { ...m, note: sanitiseLine(m.note, 300) })),
      warnings,
    },
  }
}

async function checklists(projectFolder: string): Promise<Partial<Shelves>> {
  const [{ listFiles }, { readChecklist }] = await Promise.all([
    import('../commands/checklists.ts'),
    import('../checklist/tick.ts'),
  ])
  const lists = await Promise.all(
    (await listFiles(projectFolder)).map(async ({ name, path }): Promise<ListedChecklist> => {
      try {
        const list = await readChecklist(path)
        const tasks = list.items.map((i) => ({
          line: i.line,
          depth: i.depth,
          isTicked: i.isChecked,
          text: i.text,
          id: i.id,
          checks: i.checks,
        }))
        return { file: name, title: list.title ?? name, tasks, problem: null }
      } catch (error) {
        return { file: name, title: name, tasks: [], problem: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  return { checklists: lists }
}

async function profiles({ profiles: shown }: Shelves): Promise<Partial<Shelves> | null> {
  const { profileShelf } = await import('../commands/profiles.ts')
  const found = await profileShelf()
  return found === shown ? null : { profiles: found }
}

async function recipes(projectFolder: string): Promise<Partial<Shelves>> {
  const { recipeShelf } = await import('../commands/recipes.ts')
  return { recipes: await recipeShelf(projectFolder) }
}

async function config(projectFolder: string): Promise<Partial<Shelves>> {
  const [{ loadSettings }, { configRows }] = await Promise.all([
    import('../commands/open.ts'),
    import('../config/lines.ts'),
  ])
  return { config: configRows(await loadSettings(projectFolder)) }
}

export type ShelfLoader = (request: ShelfRequest) => Promise<Partial<Shelves> | null>

/**
 * Loads what a screen needs beside the run; null when it needs nothing. Keeps what makes the next load cheap: where each
 * journal and each log was read to.
 */
export function makeShelfLoader(): ShelfLoader {
  let homeReader: HomeReader | null = null
  const cellLog = logReader()
  const unitLog = logReader()
  let farLog: FarLogReader | null = null
  let compare: CompareShelf | null = null
  return async (request) => {
    const { screen, projectFolder, run } = request
    switch (screen) {
      case 'home':
        homeReader ??= await openHome()
        return home(homeReader)
      case 'checklists':
        return checklists(projectFolder)
      case 'profiles':
        return profiles(request.shelves)
      case 'recipes':
        return recipes(projectFolder)
      case 'compare': {
        compare ??= (await import('./compare-shelf.ts')).compareShelf()
        return compare.load(request)
      }
      case 'config':
        return config(projectFolder)
      case 'report': {
        if (run === null) return null
        const text = await readFile(join(runFolder(projectFolder, run.runId), 'report.md'), 'utf8').catch(() => null)
        return { report: text === null ? null : sanitise(text, { allowSgr: false }).split('\n') }
      }
      case 'notebook': {
        if (run === null) return null
        const { notebookShelf } = await import('./notebook-shelf.ts')
        return notebookShelf(request, run, cellLog)
      }
      case 'patrol': {
        if (run?.latest.Receipt === undefined) return null
        const { loadPatrol, openFarLog } = await import('./patrol-shelf.ts')
        return loadPatrol(request, unitLog, () => {
          farLog ??= openFarLog(request)
          return farLog
        })
      }
      default:
        return null
    }
  }
}
