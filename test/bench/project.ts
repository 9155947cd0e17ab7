import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { builtCommand, builtEntry, builtEnv } from '../harness/built.ts'

export interface BenchProject {
  readonly folder: string
  readonly state: string
  remove(): void
}

/** A copy of the sample project in a folder of its own; `isChecked` gives it a run with a checked plan. */
export function benchProject(isChecked: boolean, env: Readonly<Record<string, string>> = {}): BenchProject {
  const base = mkdtempSync(join(tmpdir(), 'kx-bench-'))
  const folder = join(base, 'cpcv')
  const state = join(base, 'user')
  cpSync(resolve(import.meta.dirname, '../../examples/cpcv'), folder, {
    recursive: true,
    filter: (from) => !from.endsWith('/.kx'),
  })
  if (isChecked) kx({ folder, state }, ['plan'], env)
  return { folder, state, remove: () => rmSync(base, { recursive: true, force: true }) }
}

/** Runs a command of the built app without a terminal. Exit 1 is a finding, not a failure of the bench. */
export function kx(
  project: { readonly folder: string; readonly state: string },
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  try {
    return execFileSync(builtCommand, [builtEntry(), ...words, '--project', project.folder], {
      env: builtEnv(project.state, env),
      cwd: project.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 300_000,
    })
  } catch (error) {
    const failed = error as { status?: number; stdout?: string; stderr?: string }
    if (failed.status === 1 || failed.status === 3) return failed.stdout ?? ''
    throw new Error(`kx ${words.join(' ')} exited ${failed.status}: ${failed.stderr ?? ''}${failed.stdout ?? ''}`)
  }
}
