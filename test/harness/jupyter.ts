import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Pinned, so that a test says the same next year. */
const wanted = ['nbformat==5.10.4', 'nbconvert==7.16.6']
const name = `kx-jupyter-${userInfo().uid}-${wanted.map((each) => each.replace(/^.*==/, '')).join('-')}`

let found: string | null | undefined

/**
 * A Python with Jupyter's own tools, in an environment of the tests; made once on a machine. Null where there is no Python
 * or no index to take them from; under `KX_REQUIRE_TOOLS=1` that is an error.
 */
export function jupyter(): string | null {
  found ??= make()
  if (found === null && process.env.KX_REQUIRE_TOOLS === '1')
    throw new Error('nbformat and nbconvert could not be installed; python3, its venv and an index are needed')
  return found
}

function make(): string | null {
  const folder = join(tmpdir(), name)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return python
  const fresh = `${folder}.${process.pid}`
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  const run = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { stdio: 'ignore', timeout: 240_000 }).status === 0
  // A script of an environment names its own folder: it is made where it stays, and its name is what says it is whole.
  const isMade =
    run('python3', ['-m', 'venv', fresh]) &&
    run(join(fresh, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...wanted])
  if (!isMade) {
    rmSync(fresh, { recursive: true, force: true })
    return null
  }
  try {
    renameSync(fresh, folder)
  } catch {
    // Another worker was faster; its one is as good.
    rmSync(fresh, { recursive: true, force: true })
  }
  return existsSync(python) ? python : null
}
