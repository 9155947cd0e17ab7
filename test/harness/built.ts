import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { appEnv, node } from './apps.ts'
import { type PtyApp, startPty } from './pty.ts'
import { waitUntil } from './wait.ts'

const root = resolve(import.meta.dirname, '../..')

/** Runs the built program as `npm start` does: its first lines are for sh and say how Node is to be started. */
export const builtCommand = 'sh'

/** The built program as a person has it. `KX_DIST` names another build, so that one can be measured while others build. */
export function builtEntry(): string {
  const entry = join(resolve(process.env.KX_DIST ?? join(root, 'dist')), 'kx.mjs')
  if (!existsSync(entry)) throw new Error(`${entry} is not there: run npm run build first, or set KX_DIST to a build`)
  return entry
}

/** Environment with state, cache and settings of its own below `state`: nothing of this user is read or written. */
export function builtEnv(state: string, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const folder = (name: string) => {
    const path = join(resolve(state), name)
    mkdirSync(path, { recursive: true })
    return path
  }
  return appEnv({
    XDG_STATE_HOME: folder('state'),
    XDG_DATA_HOME: folder('data'),
    XDG_CACHE_HOME: folder('cache'),
    XDG_CONFIG_HOME: folder('config'),
    TZ: 'UTC',
    USER: 'you',
    PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? '/usr/bin:/bin'}`,
    ...extra,
  })
}

export interface BuiltOptions {
  readonly project: string
  /** Folder for state, cache and settings. */
  readonly state: string
  readonly columns?: number
  readonly rows?: number
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the built workbench in a pseudo-terminal. */
export function startBuilt(options: BuiltOptions): PtyApp {
  const { project, state, columns = 120, rows = 40, args = [] } = options
  return startPty({
    command: builtCommand,
    args: [builtEntry(), '--project', resolve(project), ...args],
    cwd: resolve(project),
    env: builtEnv(state, options.env),
    columns,
    rows,
  })
}

/** Waits until something is drawn and nothing has changed for `quietMs`. */
export async function settledScreen(app: PtyApp, quietMs = 500, timeoutMs = 15_000): Promise<void> {
  await waitUntil(
    async () => {
      if (app.exit !== null) throw new Error(`kx ended: ${JSON.stringify(app.exit)}\n${app.text()}`)
      await app.emulator.settled()
      return app.text().trim() !== '' && performance.now() - app.lastOutputAtMs >= quietMs
    },
    { timeoutMs, what: `a screen that stays the same for ${quietMs} ms`, describe: () => app.text() },
  )
}
