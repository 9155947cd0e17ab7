import { resolve } from 'node:path'
import { type Globals, globalHelp, splitArgv } from './globals.ts'
import { loginName } from './login.ts'

/**
 * Entry of the program. Opens the workbench on a terminal; without one, or with words, runs headless.
 * Exit codes: 0 ok, 1 a finding or a refusal, 2 usage, 3 needs a person, 4 unknown, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const split = splitArgv(argv)
  if (!split.ok) {
    process.stderr.write(`kx: ${split.text}; kx --help lists the options\n`)
    process.exitCode = 2
    return
  }
  const { globals, words } = split
  const projectFolder = resolve(globals.project ?? process.cwd())
  const hasTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  if (words.length === 0 && hasTerminal && !globals.plain && !globals.json && !globals.isHelp && !globals.isVersion) {
    process.exitCode = await workbench(projectFolder, globals)
    return
  }
  const { runHeadless } = await import('./headless.ts')
  process.exitCode = await runHeadless({ projectFolder, globals, words, globalHelp })
}

/**
 * Ink's colour library decides from the environment how much colour there is, once, when it is loaded. Our writer does
 * that itself, so it is given all of it; the variable is put back at once, because programs that we start inherit it.
 */
async function withAllColours<T>(load: () => Promise<T>): Promise<T> {
  const before = process.env.FORCE_COLOR
  process.env.FORCE_COLOR = '3'
  try {
    return await load()
  } finally {
    if (before === undefined) delete process.env.FORCE_COLOR
    else process.env.FORCE_COLOR = before
  }
}

async function workbench(projectFolder: string, globals: Globals): Promise<number> {
  // What the person's environment says is read before it is touched.
  const env = { ...process.env }
  const [{ startWorkbench }, { createWorkspace }, { userFolders }] = await withAllColours(() =>
    Promise.all([import('../../screens/workbench/start.ts'), import('./workspace.ts'), import('../session/paths.ts')]),
  )
  return startWorkbench({
    projectFolder,
    stateFolder: userFolders(process.env).state,
    screen: globals.screen,
    who: loginName(),
    theme: globals.theme,
    isAscii: globals.ascii,
    isColourless: globals.noColor,
    env,
    makeWorkspace: (runId, onTrouble) => createWorkspace({ projectFolder, runId: globals.run ?? runId, onTrouble }),
    loadSettings: async () => (await import('./settings.ts')).workbenchSettings(projectFolder, globals),
  })
}
