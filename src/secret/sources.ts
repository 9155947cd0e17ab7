import { existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isSecretName } from '../text/patterns.ts'
import type { SecretRegistry } from './registry.ts'

export interface SecretSources {
  /** Names that the plan lists. */
  readonly names?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly home?: string
}

export interface SecretReport {
  /** Names of the plan that no source knows. */
  readonly missing: readonly string[]
  /** Names of the plan whose value is too short to be masked. */
  readonly tooShort: readonly string[]
  /** Files that values were read from. */
  readonly files: readonly string[]
}

type Parse = (text: string) => readonly (readonly [name: string, value: string])[]

const whole: Parse = (text) => (text.trim() === '' ? [] : [['token', text.trim()]])
const matches =
  (pattern: RegExp): Parse =>
  (text) =>
    [...text.matchAll(pattern)].map((m) => [m[1] ?? 'value', (m[2] ?? '').replace(/^(["'])(.*)\1$/, '$2')] as const)
/** `key = value`, `key: value`, where the key tells. */
const assignments: Parse = (text) =>
  matches(/^[ \t]*["']?([A-Za-z_][A-Za-z0-9_.:/-]{0,120})["']?[ \t]*[:=][ \t]*(\S[^\r\n]*?)[ \t,]*$/gm)(text).filter(
    ([name]) => isSecretName(name) || /_?authToken$|^key$|^pass$|token$/i.test(name),
  )
const json: Parse = (text) => {
  const found: [string, string][] = []
  const walk = (value: unknown, name: string, depth: number) => {
    if (typeof value === 'string' && (isSecretName(name) || /^(?:key|auth|identitytoken)$/i.test(name)))
      found.push([name, value])
    if (value !== null && typeof value === 'object' && depth < 8)
      for (const [key, part] of Object.entries(value)) walk(part, key, depth + 1)
  }
  try {
    walk(JSON.parse(text), '', 0)
  } catch {
    return []
  }
  return found
}

/** Credential files of the tools that a run uses, below the home folder. */
const files: readonly (readonly [path: string, parse: Parse])[] = [
  ['.aws/credentials', assignments],
  ['.cache/huggingface/token', whole],
  ['.huggingface/token', whole],
  ['.config/gh/hosts.yml', assignments],
  ['.config/lambda/token', whole],
  ['.config/rclone/rclone.conf', assignments],
  ['.config/vastai/vast_api_key', whole],
  ['.docker/config.json', json],
  ['.git-credentials', matches(/:\/\/([^:\s]*):([^@\s]+)@/g)],
  ['.kaggle/kaggle.json', json],
  ['.kube/config', assignments],
  ['.netrc', matches(/\b(password)\s+(\S+)/g)],
  ['.npmrc', matches(/(_authToken|_password|_auth)[ \t]*=[ \t]*(\S+)/g)],
  ['.pypirc', assignments],
  ['.runpod/config.toml', assignments],
  ['.vast_api_key', whole],
]
const longestFile = 262_144

/**
 * A variable that names a file is no secret, whatever it is called: `PWD` and `OLDPWD` look like passwords by name, and
 * masking the working folder would mask every path of the run.
 */
function isPath(value: string): boolean {
  return value.startsWith('/') && existsSync(value)
}

/**
 * Fills the registry: values of the environment under the plan's names and under telling names, and what the user's own
 * credential files hold, so that it can be masked wherever it turns up. Values are never returned. Files that are missing,
 * unreadable or longer than 256 KiB are passed over.
 */
export async function collectSecrets(registry: SecretRegistry, sources: SecretSources = {}): Promise<SecretReport> {
  const env = sources.env ?? process.env
  const names = sources.names ?? []
  const missing: string[] = []
  const tooShort: string[] = []
  for (const name of names) {
    const value = env[name]
    if (value === undefined || value === '') missing.push(name)
    else if (!registry.add(name, value, 'environment')) tooShort.push(name)
  }
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !names.includes(name) && isSecretName(name) && !isPath(value))
      registry.add(name, value, 'environment')
  const home = sources.home ?? env.HOME ?? homedir()
  const read: string[] = []
  for (const [path, parse] of files) {
    const text = await readSmall(join(home, path))
    if (text === null) continue
    const found = parse(text)
    for (const [name, value] of found) registry.add(`${path}:${name}`, value, `~/${path}`)
    if (found.length > 0) read.push(`~/${path}`)
  }
  return { missing, tooShort, files: read }
}

/** Another text whenever one of the credential files was written, made or removed. */
export function credentialFilesStamp(home: string): string {
  return files
    .map(([path]) => {
      const found = statSync(join(home, path), { throwIfNoEntry: false })
      return found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`
    })
    .join('\n')
}

async function readSmall(path: string): Promise<string | null> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    return size > longestFile ? null : await file.readFile('utf8')
  } catch {
    return null
  }
}
