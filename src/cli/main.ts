import { basename, dirname, resolve } from 'node:path'
import { type Globals, globalHelp, splitArgv } from './globals.ts'
import { maskLastWords } from './last-words.ts'

/**
 * Entry of the program. Opens the workbench on a terminal; without one, or with words, runs headless.
 * Exit codes: 0 ok, 1 a finding or a refusal, 2 usage, 3 needs a person, 4 unknown, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<void> {
  maskLastWords()
  // A reader that leaves early (`kx runs | head`) is no failure of ours; there is nobody left to tell.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
    throw error
  })
  const split = splitArgv(argv)
  if (!split.ok) {
    process.stderr.write(`kx: ${split.text}; kx --help lists the options\n`)
    process.exitCode = 2
    return
  }
  const { words } = split
  const { globals, projectFolder } = placed(split.globals)
  const hasTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  if (words.length === 0 && hasTerminal && !globals.plain && !globals.json && !globals.isHelp && !globals.isVersion) {
    process.exitCode = await workbench(projectFolder, globals)
    return
  }
  const { runHeadless } = await import('./headless.ts')
  process.exitCode = await runHeadless({ projectFolder, globals, words, globalHelp })
}

/** The folder of a plan file is its project, unless another one is named. */
function placed(globals: Globals): { readonly globals: Globals; readonly projectFolder: string } {
  if (globals.plan === null || globals.project !== null)
    return { globals, projectFolder: resolve(globals.project ?? process.cwd()) }
  const file = resolve(globals.plan)
  return { globals: { ...globals, plan: basename(file) }, projectFolder: dirname(file) }
}

/**
 * Ink's colour library decides from the environment how much colour there is, once, when it is loaded. Our writer does
 * that itself, so it is given all of it; the variable is put back at once, because programs that we start inherit it.
 */
async function withAllColours<T>(load: () => Promise<T>): Promise<T> {
  const names = ['FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS'] as const
  const before = names.map((name) => [name, process.env[name]] as const)
  // Node warns on the terminal of two variables that speak against one another.
  for (const name of names) delete process.env[name]
  process.env.FORCE_COLOR = '3'
  try {
    return await load()
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
}

async function workbench(projectFolder: string, globals: Globals): Promise<number> {
  // What the person's environment says is read before it is touched.
  const env = { ...process.env }
  const { openWorkbench } = await withAllColours(() => import('./workbench.ts'))
  return openWorkbench(projectFolder, globals, env)
}
