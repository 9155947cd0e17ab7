import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Node as the project pins it, able to run `.ts` by type stripping. */
export const node = process.execPath

const folder = resolve(import.meta.dirname, 'apps')

/** Argument vector that runs a fixture app of `test/harness/apps`. */
export function fixtureApp(name: string): { command: string; args: string[] } {
  return { command: node, args: ['--disable-warning=ExperimentalWarning', resolve(folder, `${name}.ts`)] }
}

/** A clean environment for a child: nothing of the test runner, a known terminal, production React. */
export function appEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: process.env.HOME ?? '/',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
    // Tests start the same programs hundreds of times; a bench starts them as a person does.
    ...(process.env.VITEST === undefined ? {} : { NODE_COMPILE_CACHE: join(tmpdir(), 'kx-e2e-compile') }),
    ...extra,
  }
}
