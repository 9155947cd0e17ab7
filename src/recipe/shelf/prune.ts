import { basename, dirname } from 'node:path/posix'
import { matchName } from '../../spec/glob.ts'
import { formatAge, formatBytes, formatCount, plural } from '../../text/format.ts'
import type { CellContext, CellPlan } from '../contract.ts'
import { NoAnswer } from './ask.ts'
import { protection, type SeenFile, type Survey, survey } from './survey.ts'

/** What may be pruned, and what is kept of it. */
export interface PruneWishes {
  /** Names of files that nobody needs again: parts, temporary files, core dumps. */
  readonly scratch: readonly string[]
  /** Names of checkpoints. */
  readonly checkpoints: readonly string[]
  /** Newest checkpoints that are kept in each folder beside the best, to go on from. */
  readonly keepNewest: number
  /** Paths or names that a person says are the best ones. */
  readonly best: readonly string[]
  /** Younger ones are left alone. */
  readonly olderThanMinutes: number
  /** Go on though processes of other users could not be looked into. */
  readonly acceptHidden: boolean
}

export interface PruneChoice {
  readonly targets: readonly SeenFile[]
  /** By path: why it is kept. */
  readonly kept: readonly { readonly path: string; readonly why: string }[]
  /** Folders whose best checkpoint is not known, so that none of them is touched. */
  readonly undecided: readonly string[]
}

const isBestByName = (path: string, root: string) =>
  path
    .slice(root.length + 1)
    .split('/')
    .some((part) => /best/i.test(part))

/** Chooses what may go. Whatever is doubtful is kept. Pure. */
export function choosePrunable(seen: Survey, wishes: PruneWishes): PruneChoice {
  const targets: SeenFile[] = []
  const kept: { path: string; why: string }[] = []
  const undecided: string[] = []
  const folders = new Map<string, SeenFile[]>()
  const youngest = seen.clockSeconds - wishes.olderThanMinutes * 60
  const matches = (path: string, patterns: readonly string[]) =>
    patterns.some((pattern) => matchName(basename(path), pattern))
  const isBest = (file: SeenFile) =>
    isBestByName(file.path, seen.root) || wishes.best.some((each) => each === file.path || each === basename(file.path))
  const offer = (file: SeenFile) => {
    const why = protection(file, seen) ?? (file.mtimeSeconds > youngest ? 'it was written a moment ago' : null)
    if (why === null) targets.push(file)
    else kept.push({ path: file.path, why })
  }
  for (const file of seen.files) {
    if (isBest(file)) kept.push({ path: file.path, why: 'a best one' })
    else if (matches(file.path, wishes.checkpoints)) {
      const folder = dirname(file.path)
      folders.set(folder, [...(folders.get(folder) ?? []), file])
    } else if (matches(file.path, wishes.scratch)) offer(file)
  }
  for (const [folder, files] of folders) {
    const key = (file: SeenFile) => `${file.device} ${file.inode}`
    const hasBest =
      seen.files.some((file) => dirname(file.path) === folder && isBest(file)) ||
      // A link called best.pt that leads to one of them names the best one as well.
      files.some((file) => seen.linked.has(key(file)))
    if (!hasBest) {
      undecided.push(folder)
      for (const file of files) kept.push({ path: file.path, why: 'which one is the best is not known' })
      continue
    }
    const byAge = files.toSorted((a, b) => b.mtimeSeconds - a.mtimeSeconds || (a.path < b.path ? 1 : -1))
    for (const file of byAge.slice(0, wishes.keepNewest))
      kept.push({ path: file.path, why: 'the newest, to go on from' })
    for (const file of byAge.slice(wishes.keepNewest)) offer(file)
  }
  targets.sort((a, b) => b.takenBytes - a.takenBytes || (a.path < b.path ? -1 : 1))
  return { targets, kept, undecided }
}

/** Looks at the folder and chooses. Throws NoAnswer where what is open could not be seen. */
export async function lookToPrune(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  folder: string,
  wishes: PruneWishes,
): Promise<{ readonly seen: Survey; readonly choice: PruneChoice }> {
  // All names: the best one may be called something that no pattern names.
  const seen = await survey(context, folder, [])
  if (seen.hiddenProcesses > 0 && !wishes.acceptHidden)
    throw new NoAnswer(
      `${plural(seen.hiddenProcesses, 'process', 'processes')} of other users cannot be looked into, so what they have open is not known (accept-hidden goes on all the same)`,
    )
  return { seen, choice: choosePrunable(seen, wishes) }
}

/** Most lines of one kind in a plan; the targets are listed whole beside them. */
const shownLines = 40

/** The dry run in lines. */
export function prunePlan({ seen, choice }: { seen: Survey; choice: PruneChoice }): CellPlan {
  const { targets, kept, undecided } = choice
  const total = targets.reduce((sum, file) => sum + file.takenBytes, 0)
  // Below the folder that the first line names: whole paths are longer than a terminal is wide.
  const below = (path: string) => path.slice(seen.root.length + 1)
  const age = (file: SeenFile) => formatAge((seen.clockSeconds - file.mtimeSeconds) * 1000)
  const lines = [
    `${plural(targets.length, 'file')} of ${formatCount(seen.files.length)} under ${seen.root} would be removed, ${formatBytes(total)}`,
    ...targets
      .slice(0, shownLines)
      .map((file) => `remove ${formatBytes(file.takenBytes)}, ${age(file)} old: ${below(file.path)}`),
    ...more(targets.length),
    ...kept.slice(0, shownLines).map(({ path, why }) => `keep ${below(path)}: ${why}`),
    ...more(kept.length),
    ...undecided.map(
      (folder) => `${folder}: nothing there is called best, so which checkpoint is the best is not known`,
    ),
    ...(seen.oddNames > 0 ? [`${plural(seen.oddNames, 'file')} with names that are no UTF-8 are left alone`] : []),
  ]
  const change = targets.length > 0 ? 'yes' : undecided.length > 0 ? 'unknown' : 'no'
  return { change, lines, foundBy: 'probe', targets: targets.map((file) => file.path) }
}

const more = (count: number) => (count > shownLines ? [`… and ${formatCount(count - shownLines)} more`] : [])
