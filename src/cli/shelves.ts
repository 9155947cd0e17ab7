import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runFolder } from '../run/folder.ts'
import type { RunState } from '../run/types.ts'
import type { ListedChecklist, PlanView, RunRow, Shelves } from '../session/view.ts'
import { sanitise, sanitiseLine } from '../text/sanitise.ts'

export interface ShelfRequest {
  readonly screen: string
  readonly selected: (pane: string) => string | null
  readonly projectFolder: string
  readonly run: RunState | null
  readonly plan: PlanView
  readonly shelves: Shelves
}

const tailBytes = 128 * 1024

/** The last lines of a text file of ours, bounded; null when there is none. */
async function tailOf(path: string): Promise<readonly string[] | null> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, 'r')
  } catch {
    return null
  }
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - tailBytes)
    const buffer = Buffer.alloc(Math.min(size, tailBytes))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    const lines = sanitise(buffer.subarray(0, bytesRead), { allowSgr: false }).split('\n')
    return from === 0 ? lines : lines.slice(1)
  } finally {
    await file.close()
  }
}

async function home(): Promise<Partial<Shelves>> {
  const [{ createHomeReader }, { userFolders }] = await Promise.all([
    import('../session/home.ts'),
    import('../session/paths.ts'),
  ])
  const { runs, meters, warnings } = createHomeReader(userFolders(process.env).state).read(Date.now(), false)
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
          state: r.liveness ?? r.stage ?? 'unknown',
          progress: r.unitsTotal === null ? '' : `${r.unitsDone ?? '?'}/${r.unitsTotal}`,
          seenAtMs: r.seenAtMs ?? r.changedAtMs,
          usdPerHour: isUnknown ? null : open.reduce((sum, m) => sum + (m.usdPerHour ?? 0), 0),
          isArchived: r.isArchived,
          reason: r.reason,
        }
      }),
      meters,
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

async function profiles(): Promise<Partial<Shelves>> {
  const [{ loadProfiles }, { profileLines }, { profileFolders }] = await Promise.all([
    import('../profile/load.ts'),
    import('../profile/lines.ts'),
    import('../commands/open.ts'),
  ])
  const found = await loadProfiles(await profileFolders())
  return {
    profiles: [...found.profiles].map(([id, p]) => ({
      id,
      title: p.profile.title,
      lines: profileLines(p.profile, Date.now()),
      note: `${p.origin}, facts of ${p.profile.verified}`,
    })),
  }
}

async function config(projectFolder: string): Promise<Partial<Shelves>> {
  const [{ loadSettings }, { configRows }] = await Promise.all([
    import('../commands/open.ts'),
    import('../config/lines.ts'),
  ])
  return { config: configRows(await loadSettings(projectFolder)) }
}

/** What a screen needs beside the run; null when it needs nothing. */
export async function loadShelf(request: ShelfRequest): Promise<Partial<Shelves> | null> {
  const { screen, projectFolder, run, selected } = request
  switch (screen) {
    case 'home':
      return home()
    case 'checklists':
      return checklists(projectFolder)
    case 'profiles':
      return request.shelves.profiles === null ? profiles() : null
    case 'config':
      return config(projectFolder)
    case 'report': {
      if (run === null) return null
      const text = await readFile(join(runFolder(projectFolder, run.runId), 'report.md'), 'utf8').catch(() => null)
      return { report: text === null ? null : sanitise(text, { allowSgr: false }).split('\n') }
    }
    case 'cells': {
      if (run === null) return null
      const cellId = selected('cells') ?? run.cells.at(-1)?.started.cellId
      if (cellId === undefined || !/^[A-Za-z0-9-]{1,64}$/.test(cellId)) return null
      const lines = await tailOf(join(runFolder(projectFolder, run.runId), 'cells', cellId, 'output.log'))
      return { cellOutput: { cellId, lines: lines ?? [] } }
    }
    case 'patrol': {
      if (run?.latest.Receipt === undefined) return null
      const { loadPatrol } = await import('./patrol-shelf.ts')
      return loadPatrol(request)
    }
    default:
      return null
  }
}
