import { startWorkbench } from '../../screens/workbench/start.ts'
import { attend, closeHosts, keepHostsOpen, links } from '../session/hosts.ts'
import { userFolders } from '../session/paths.ts'
import { flagSettings, type Globals } from './globals.ts'
import { loginName } from './login.ts'
import { learnSecrets, maskNow } from './masking.ts'
import { createWorkspace } from './workspace.ts'

/** A link that nobody used for so long is given up; the next use makes it again. */
const hostsIdleMs = 10 * 60_000

/** Opens the workbench, again for each project that the person goes to; settles with the exit code. */
export async function openWorkbench(
  projectFolder: string,
  globals: Globals,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let folder = projectFolder
  let runId = globals.run
  let screen = globals.screen
  // Going to a run of another project leaves one workbench and opens the next; what was on screen is remembered by each.
  keepHostsOpen(hostsIdleMs)
  for (let round = 0; ; round += 1) {
    // A plan file that was named belongs to the first project only.
    const settings = flagSettings(round === 0 ? globals : { ...globals, plan: null })
    const here = folder
    const asked = runId
    const { exitCode, next } = await startWorkbench({
      settings,
      projectFolder: here,
      stateFolder: userFolders(process.env).state,
      screen,
      who: loginName(),
      mask: maskNow,
      theme: globals.theme,
      isAscii: globals.ascii,
      isColourless: globals.noColor,
      env,
      links,
      attend,
      makeWorkspace: (remembered, onTrouble) =>
        createWorkspace({ projectFolder: here, settings, runId: asked ?? remembered, onTrouble }),
      openPrompt: async (surface) => {
        const [{ openPrompt }, { allCommands }] = await Promise.all([
          import('../commands/repl-eval.ts'),
          import('../commands/list/all.ts'),
        ])
        return openPrompt({ ...surface, registry: allCommands(), isRemembered: true })
      },
      loadSettings: async () => {
        const [found] = await Promise.all([
          import('./settings.ts').then(({ workbenchSettings }) => workbenchSettings(here, settings)),
          learnSecrets(),
        ])
        return found
      },
    })
    // Looks at the run keep it open between them; the last one may still be under way.
    await (await import('../commands/beat.ts')).endBeat()
    if (next === null) {
      await closeHosts()
      return exitCode
    }
    folder = next.projectFolder
    runId = next.runId
    screen = next.screen
  }
}
