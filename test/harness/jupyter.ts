import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { waitUntil } from './wait.ts'

/** Pinned, so that a test says the same next year. */
const wanted = ['nbformat==5.10.4', 'nbconvert==7.16.6']
const name = `kx-jupyter-${userInfo().uid}-${wanted.map((each) => each.replace(/^.*==/, '')).join('-')}`
const folder = join(tmpdir(), name)
const python = join(folder, 'bin', 'python')
/** Downloads, and a slow machine: whoever waits gives up no earlier than whoever makes it. */
export const makeMs = 240_000

let found: Promise<string | null> | undefined

/**
 * A Python with Jupyter's own tools, in an environment of the tests; made once on a machine, and waited for while another
 * process makes it: `npm test` begins with it beside everything else. Null where there is no Python or no index to take
 * them from; under `KX_REQUIRE_TOOLS=1` that is an error.
 */
export async function jupyter(): Promise<string | null> {
  found ??= make()
  const made = await found
  if (made === null && process.env.KX_REQUIRE_TOOLS === '1')
    throw new Error('nbformat and nbconvert could not be installed; python3, its venv and an index are needed')
  return made
}

/** Pids of processes that make it now. What a killed one left is taken away. */
function makers(): readonly number[] {
  const begun = readdirSync(tmpdir()).filter((each) => each.startsWith(`${basename(folder)}.`))
  return begun.flatMap((each) => {
    const pid = Number(each.slice(basename(folder).length + 1))
    if (existsSync(`/proc/${pid}`)) return [pid]
    rmSync(join(tmpdir(), each), { recursive: true, force: true })
    return []
  })
}

async function make(): Promise<string | null> {
  if (!existsSync(python) && makers().length > 0)
    await waitUntil(() => existsSync(python) || makers().length === 0, {
      timeoutMs: makeMs,
      what: 'another process to install the tools of Jupyter',
    })
  if (existsSync(python)) return python
  const fresh = `${folder}.${process.pid}`
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  // Compiled is what is imported, when it is.
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--no-compile', ...wanted]
  const isMade = (await runs('python3', ['-m', 'venv', fresh])) && (await runs(join(fresh, 'bin', 'python'), pip))
  if (isMade)
    try {
      renameSync(fresh, folder)
    } catch {
      // Another worker was faster; its one is as good.
    }
  rmSync(fresh, { recursive: true, force: true })
  return existsSync(python) ? python : null
}

const runs = (command: string, args: readonly string[]) =>
  new Promise<boolean>((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore', timeout: makeMs })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
