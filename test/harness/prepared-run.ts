import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { waitUntil } from './wait.ts'

/** A folder of a run as a launch leaves it on a box, in which a test puts the fault that it is about. */
export interface PreparedRun {
  readonly folder: string
  /** Writes a file under the folder; `ageSeconds` sets its time back. */
  put(path: string, text: string | Uint8Array, ageSeconds?: number): string
  /** A program that stands in for one, first on the PATH of `env`. */
  stub(name: string, script: string): void
  readonly env: Readonly<Record<string, string>>
  /** Starts a process as the runner starts a unit: group of its own, pid file, environment of the contract. */
  startUnit(unit: string, argv: readonly string[]): Promise<ChildProcess>
  /** Every path with its size, time and bytes: equal only when nothing was touched. */
  treeHash(): string
  /** Ends what it started. */
  stop(): void
}

export const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

export function startTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

/** A folder of busybox's own tools under their names, for a PATH that has nothing else; null: there is no busybox. */
export function busyboxTools(home: string): string | null {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))
  if (busybox === undefined) return null
  const folder = join(home, 'busybox-tools')
  mkdirSync(folder, { recursive: true })
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name !== '' && !existsSync(join(folder, name))) symlinkSync(busybox, join(folder, name))
  return folder
}

/** Makes it in a folder of its own under the home of a test's server. */
export function prepareRun(home: string, name: string, tools?: string): PreparedRun {
  const folder = join(home, 'kx runs', name)
  const bin = join(home, `bin-${name}`)
  mkdirSync(join(folder, 'units'), { recursive: true })
  mkdirSync(join(folder, 'code'), { recursive: true })
  mkdirSync(bin, { recursive: true })
  const children: ChildProcess[] = []
  const put = (path: string, text: string | Uint8Array, ageSeconds?: number) => {
    const full = join(folder, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text)
    const at = Date.now() / 1000 - (ageSeconds ?? 0)
    if (ageSeconds !== undefined) utimesSync(full, at, at)
    return full
  }
  return {
    folder,
    put,
    stub: (program, script) => {
      const path = join(bin, program)
      writeFileSync(path, `#!/bin/sh\n${script}\n`)
      chmodSync(path, 0o755)
    },
    env: { PATH: `${bin}:${tools ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}` },
    startUnit: async (unit, [program = 'true', ...words]) => {
      mkdirSync(join(folder, 'units', unit, 'checkpoints'), { recursive: true })
      const child = spawn(program, words, {
        detached: true,
        stdio: 'ignore',
        cwd: join(folder, 'code'),
        env: { ...process.env, KX_RUN_DIR: folder, KX_UNIT_DIR: join(folder, 'units', unit) },
      })
      children.push(child)
      await waitUntil(() => child.pid !== undefined, { what: 'the unit to start' })
      const pid = child.pid ?? 0
      put(`units/${unit}/pid`, `${pid} ${startTicksOf(pid)} ${bootId()} 0 ${Date.now()} 1\n`)
      return child
    },
    treeHash: () => {
      const hash = createHash('sha256')
      const walk = (path: string) => {
        const stat = lstatSync(path)
        hash.update(`${relative(folder, path)}\0${stat.mode}\0${stat.isFile() ? stat.size : 0}\0${stat.mtimeMs}\0`)
        if (stat.isFile()) hash.update(readFileSync(path))
        if (stat.isDirectory()) for (const entry of readdirSync(path).sort()) walk(join(path, entry))
      }
      walk(folder)
      return hash.digest('hex')
    },
    stop: () => {
      for (const { pid } of children) {
        try {
          if (pid !== undefined) process.kill(-pid, 'SIGKILL')
        } catch {
          // It has ended before.
        }
      }
    },
  }
}

/** The digest that a plan makes of its config files. */
export function configDigestOf(rows: readonly (readonly [string, string | null])[]): string {
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  return sha(JSON.stringify(rows.map(([path, text]) => [path, text === null ? 'missing' : sha(text)])))
}
