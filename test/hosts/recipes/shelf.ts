import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SshHost } from '../../../src/host/ssh/types.ts'
import type { Recipe } from '../../../src/recipe/contract.ts'
import { benchRecipe, type RecipeBench, type RecipeBenchOptions } from '../../harness/recipe.ts'
import { hopTo, tellingHost, trusting } from '../../harness/ssh-host.ts'
import { type Sshd, type SshdOptions, startSshd } from '../../harness/sshd.ts'

/** One real host for the recipes of a test file. */
export interface ShelfBox {
  readonly sshd: Sshd
  readonly host: SshHost
  /** Below a folder that goes with the box. */
  readonly folder: string
  /** A file system of its own, of this size. Needs root. */
  disk(name: string, bytes: number, inodes: number): string
  /** Runs the body with a bench that is closed after it. */
  // biome-ignore lint/suspicious/noExplicitAny: any recipe.
  with<T>(recipe: Recipe<any>, options: RecipeBenchOptions, body: (bench: RecipeBench) => Promise<T>): Promise<T>
  /** A process of the box that has this file open, for reading. It ends with the box. */
  holdOpen(path: string): number
  close(): Promise<void>
}

export const isRoot = process.getuid?.() === 0

export async function startShelfBox(options: SshdOptions = {}): Promise<ShelfBox> {
  const sshd = await startSshd({ hostKeyTypes: ['ecdsa'], ...options })
  const { host } = tellingHost([hopTo(sshd)], trusting(sshd), {})
  const folder = mkdtempSync(join(tmpdir(), 'kx-shelf-'))
  const disks: string[] = []
  const pids: number[] = []
  return {
    ...{ sshd, host, folder },
    disk: (name, bytes, inodes) => {
      const path = join(folder, name)
      mkdirSync(path)
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},nr_inodes=${inodes},mode=0755`, 'none', path])
      disks.push(path)
      return path
    },
    with: async (recipe, given, body) => {
      const bench = await benchRecipe(recipe, host, given)
      try {
        return await body(bench)
      } finally {
        await bench.close()
      }
    },
    holdOpen: (path) => {
      const child = spawn('sh', ['-c', 'exec sleep 600 <"$1"', 'sh', path], { stdio: 'ignore' })
      pids.push(child.pid as number)
      return child.pid as number
    },
    close: async () => {
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      await host.close()
      await sshd.stop()
      for (const path of disks.reverse()) execFileSync('umount', ['-l', path])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Names, kinds, contents and times of a whole tree, in one hash: what a dry run must leave as it was. */
export function treeHash(folder: string): string {
  const hash = createHash('sha256')
  const walk = (path: string) => {
    const stat = lstatSync(path)
    hash.update(`${path}\0${stat.mode}\0${stat.size}\0${stat.mtimeMs}\0`)
    if (stat.isSymbolicLink()) hash.update(readlinkSync(path))
    else if (stat.isFile()) hash.update(readFileSync(path))
    else if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name))
  }
  walk(folder)
  return hash.digest('hex')
}

/** A folder with the programs of busybox and nothing else, for a PATH. */
export function busyboxPrograms(folder: string): string {
  const path = join(folder, 'busybox-bin')
  mkdirSync(path)
  execFileSync('/bin/busybox', ['--install', '-s', path])
  return path
}
