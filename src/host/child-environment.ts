import { isKnownSecret, knownVersion } from '../secret/known.ts'
import { isSecretVariable } from './unit-environment.ts'

interface Judged {
  readonly value: string
  readonly version: number
  readonly isSecret: boolean
}

/** Judged once: every look at a run starts programs, and each starts from the same variables. */
const judged = new Map<string, Judged>()

function isSecret(name: string, value: string): boolean {
  const version = knownVersion()
  const before = judged.get(name)
  if (before !== undefined && before.value === value && before.version === version) return before.isSecret
  const found = isSecretVariable(name, value) || isKnownSecret(name, value)
  judged.set(name, { value, version, isSecret: found })
  return found
}

/**
 * What programs that kx starts on this machine get of its environment: all but secrets, those that the plan names, those
 * that look like one by name or form, and whatever holds a value that kx knows. What a program is to have it is handed on
 * its standard input. Handles such as SSH_AUTH_SOCK stay: they are no values, and ssh and git need them.
 *
 * The person's own editor and pager (screens/workbench/programs.ts) are the exception: they are the person's, at the
 * person's terminal, and keep the environment that kx was started in.
 */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const given: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !isSecret(name, value)) given[name] = value
  return given
}

/** Names of the variables that `childEnvironment` leaves out, sorted. */
export function withheldFromChildren(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  return Object.entries(env)
    .flatMap(([name, value]) => (value !== undefined && isSecret(name, value) ? [name] : []))
    .sort()
}

/** Programs are found and dates are read by these. */
const handedDown = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const

/** For code that others wrote, such as a recipe: what programs are found by, and nothing else. */
export function bareEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of handedDown) if (env[name] !== undefined) kept[name] = env[name]
  return kept
}
