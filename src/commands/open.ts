import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../run/act.ts'
import { RunError } from '../run/errors.ts'
import { runFolder } from '../run/folder.ts'
import { type OpenRunOptions, openRun, type WritableRun } from '../run/handle.ts'
import { knownSecrets } from './known-secrets.ts'
import type { CommandEnvironment, Settings } from './types.ts'

/** The real clock. */
export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

/** What every open run needs: the user's index is kept beside the journal, and secrets are masked before they are written; `secretNames`: those of the plan. */
export async function runOptions(secretNames: readonly string[] = []): Promise<OpenRunOptions> {
  const [{ openIndex }, { userFolders }, { redactValue }, secrets] = await Promise.all([
    import('../run/index-file.ts'),
    import('../session/paths.ts'),
    import('../text/redact.ts'),
    knownSecrets(secretNames),
  ])
  const index = openIndex(userFolders(process.env).state)
  let isReconciled = false
  return {
    clock: systemClock,
    scrub: (payload) => redactValue(payload, secrets).value,
    onAppended: (record, state) => {
      // The first record also brings in what a kx wrote that was killed before it could tell the index.
      if (isReconciled) return index.mirror(record, state)
      index.reconcile(state)
      isReconciled = true
    },
  }
}

/** Opens the named run of the project, or the current one. Throws when there is none. */
export async function openForWriting(
  env: Pick<CommandEnvironment, 'projectFolder'>,
  runId: string | null,
): Promise<WritableRun> {
  const { currentRunId, findRunId } = await import('../session/current-run.ts')
  const id = runId === null ? currentRunId(env.projectFolder, Date.now()) : findRunId(env.projectFolder, runId)
  if (id === null) {
    const what =
      runId === null ? 'This project has no open run.' : `No single run of this project begins with "${runId}".`
    throw new RunError('missing', what, runId === null ? 'Begin one with: kx plan' : 'List the runs with: kx runs')
  }
  return openRun(runFolder(env.projectFolder, id), await runOptions())
}

/** Effective settings of a project; problems come with them, they do not throw. */
export async function loadSettings(projectFolder: string, flags: Settings = {}) {
  const { loadConfig } = await import('../config/load.ts')
  return loadConfig({ projectFolder, env: process.env, flags, home: homedir() })
}

/** Where profiles lie: those that ship with kx, and the user's own. */
export async function profileFolders(): Promise<{ builtIn: string; user: string }> {
  const { userFolders } = await import('../session/paths.ts')
  return {
    builtIn: fileURLToPath(new URL('../../profiles/', import.meta.url)),
    user: join(userFolders(process.env).config, 'profiles'),
  }
}
