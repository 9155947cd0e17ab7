import { isAbsolute, resolve } from 'node:path'
import { runFolder } from '../run/folder.ts'
import { readRunState } from '../run/reader.ts'
import type { RunState } from '../run/types.ts'
import type { SecretSet } from '../text/redact.ts'
import { redactText, redactValue } from '../text/redact.ts'
import { sanitise } from '../text/sanitise.ts'
import type { Staleness } from '../walk/proof.ts'
import { staleness } from '../walk/staleness.ts'
import { loadProject } from './act.ts'
import { knownSecrets } from './known-secrets.ts'
import { systemClock } from './open.ts'
import { Refused } from './refused.ts'
import { locateRun } from './runs.ts'
import type { CommandEnvironment } from './types.ts'

/** The notebook of a run, read without a lock. */
export interface NotebookAt {
  readonly projectFolder: string
  readonly runId: string
  readonly folder: string
  readonly state: RunState
  /** What must not be seen in anything that is shown of it, also where it was stored before it was known. */
  readonly secrets: SecretSet
}

const refused = (summary: string, exitCode: 1 | 2 = 1): Refused => new Refused({ summary, exitCode, data: null })

/** Opens the notebook of the named run, of the open one, or of the current one of the project. Throws `Refused`. */
export async function notebookAt(env: CommandEnvironment, run: string | null): Promise<NotebookAt> {
  const { currentRunId } = await import('../session/current-run.ts')
  const asked = run ?? env.runId
  const found =
    asked === null
      ? { runId: currentRunId(env.projectFolder, systemClock.nowMs()), projectFolder: env.projectFolder }
      : await locateRun(env, asked)
  if ('exitCode' in found) throw new Refused(found)
  const { runId, projectFolder } = found
  if (runId === null) throw refused('no run has been begun in this project; check the plan first: kx plan')
  const folder = runFolder(projectFolder, runId)
  const state = readRunState(folder)
  if (state === null) throw refused(`the journal of ${runId} does not begin with a run; see kx journal verify`)
  return { projectFolder, runId, folder, state, secrets: await knownSecrets([]) }
}

/** A cell by address, number or id. Throws `Refused`. */
export async function cellAt(
  env: CommandEnvironment,
  reference: string,
): Promise<NotebookAt & { readonly at: number }> {
  const { findCell, parseAddress } = await import('../notebook/rules.ts')
  const address = parseAddress(reference)
  if (address === null) throw refused(`"${reference}" names no cell; give its number, its id, or run#cell`, 2)
  const notebook = await notebookAt(env, address.run)
  const at = findCell(notebook.state.cells, address.cell)
  if (typeof at === 'string') throw refused(at)
  return { ...notebook, at }
}

/** How the proofs of a run stand against the project as it is now; where that cannot be read, nothing is called stale by it. */
export async function proofsNow(env: CommandEnvironment, state: RunState): Promise<ReadonlyMap<string, Staleness>> {
  const loaded = await loadProject(env).catch(() => null)
  return staleness(state.proofs, loaded?.digests ?? null, systemClock.nowMs(), null)
}

/** Text of a run on its way to a person or a file: masked once more and without control characters. */
export function clean(text: string, secrets: SecretSet | null): string {
  return redactText(sanitise(text, { allowSgr: false, mark: '' }), secrets).text
}

/** A structure of a run on its way to a script, masked as a structure: also what was stored before it was known. */
export const safe = (value: unknown, secrets: SecretSet): unknown => redactValue(value, secrets).value

/** A path that a person gave, from where kx was started. */
export const pathOf = (path: string): string => (isAbsolute(path) ? path : resolve(process.cwd(), path))

/** Turns what stands in the way into the result of a command. */
export async function orRefused(act: () => Promise<import('../run/act.ts').ActResult>) {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Refused) return error.result
    throw error
  }
}
