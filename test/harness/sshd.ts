import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './wait.ts'

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

export interface KeyFile {
  readonly type: KeyType
  readonly path: string
  /** The public half as in a known_hosts or authorized_keys file: type and base64, no comment. */
  readonly publicLine: string
}

export interface SshdOptions {
  /** Loopback address to listen on; default 127.0.0.1. */
  readonly address?: string
  /** Host keys that the server offers; default all three. */
  readonly hostKeyTypes?: readonly KeyType[]
  /** Keys of another server, to be the same host under another port, or to come back after a stop. */
  readonly hostKeys?: readonly KeyFile[]
  /** Port to come back on; default a free one. */
  readonly port?: number
  /** The user's key; default one made once a test file. */
  readonly clientKey?: KeyFile
  /** More public lines that may log in. */
  readonly authorizedKeys?: readonly string[]
  readonly maxSessions?: number
  readonly maxAuthTries?: number
  readonly maxStartups?: string
  /** Text shown before authentication. */
  readonly banner?: string
  /** Runs in place of whatever is asked for; the asked command is in SSH_ORIGINAL_COMMAND. */
  readonly forceCommand?: string
  /**
   * The shell that commands go through, as a login shell would get them: `['/usr/bin/fish']`, `['/bin/busybox', 'sh']`.
   * Default: the one of the account.
   */
  readonly loginShell?: readonly string[]
  /** Printed by the rc files of bash, zsh and fish before any command, on both streams. */
  readonly noise?: string
  /** Set in every session, as SetEnv does. */
  readonly env?: Readonly<Record<string, string>>
  /** Further lines of sshd_config, such as `RekeyLimit 1M 2s`. */
  readonly config?: readonly string[]
  /** Words before the server's own, such as `nsenter …`: it then runs as the only child of what they name. */
  readonly within?: readonly string[]
  /** HOME of every session; default a new folder, removed with the server. Must exist. */
  readonly home?: string
}

export interface Sshd {
  readonly address: string
  readonly port: number
  readonly user: string
  /** Holds configuration, keys, logs and the home folder of sessions. */
  readonly folder: string
  /** HOME of every session. */
  readonly home: string
  readonly hostKeys: readonly KeyFile[]
  readonly clientKey: KeyFile
  /** A known_hosts file with every host key under `[address]:port`. */
  readonly knownHostsFile: string
  readonly pid: number
  log(): string
  /** Processes that serve connections now: killing one is a cut in the middle of whatever it serves. */
  connectionPids(): readonly number[]
  /** Ends the server, its connections, and what their sessions left running. */
  stop(): Promise<void>
}

const sshdPath = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path))
const sftpServer = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server']

/**
 * Whether tests with a real sshd can run. Missing sshd skips them on a person's machine, with the reason; under
 * `CI=true` or `KX_REQUIRE_TOOLS=1` it is an error, because a suite that silently shrinks proves nothing.
 */
export function needsSshd(): { skip: boolean; reason: string } {
  if (sshdPath !== undefined) return { skip: false, reason: '' }
  const reason = 'sshd is not installed: tests over SSH cannot run. Install openssh-server.'
  if (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1') throw new Error(reason)
  console.warn(`skipped: ${reason}`)
  return { skip: true, reason }
}

/** Makes one key pair in a folder. */
export function makeKey(folder: string, name: string, type: KeyType = 'ed25519', passphrase = ''): KeyFile {
  const path = join(folder, name)
  const size = type === 'rsa' ? ['-b', '2048'] : []
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', passphrase, '-C', '', '-f', path])
  return { type, path, publicLine: readFileSync(`${path}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ') }
}

let shared: { readonly folder: string; readonly hostKeys: readonly KeyFile[]; readonly clientKey: KeyFile } | null =
  null

/** Keys of this test file, made once: making an RSA key costs more than most tests. */
function sharedKeys() {
  if (shared !== null) return shared
  const folder = mkdtempSync(join(tmpdir(), 'kx-sshd-keys-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const types: readonly KeyType[] = ['ed25519', 'ecdsa', 'rsa']
  shared = {
    folder,
    hostKeys: types.map((type) => makeKey(folder, `host_${type}`, type)),
    clientKey: makeKey(folder, 'client'),
  }
  return shared
}

/** A loopback port that nobody listens on. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve))
  const found = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (found === null || typeof found === 'string') throw new Error('no free port')
  return found.port
}

/** Starts a real sshd for one test: own port, own keys, own configuration, own home folder. Never the machine's own. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (sshdPath === undefined) throw new Error(needsSshd().reason)
  const { address = '127.0.0.1' } = options
  const keys = sharedKeys()
  const hostKeys = options.hostKeys ?? keys.hostKeys.filter((key) => options.hostKeyTypes?.includes(key.type) ?? true)
  const clientKey = options.clientKey ?? keys.clientKey
  const folder = mkdtempSync(join(tmpdir(), 'kx-sshd-'))
  const home = options.home ?? join(folder, 'home')
  const nonce = randomBytes(8).toString('hex')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  if (options.noise !== undefined) writeNoise(home, options.noise)
  writeFileSync(
    join(folder, 'authorized_keys'),
    [clientKey.publicLine, ...(options.authorizedKeys ?? [])].map((line) => `${line}\n`).join(''),
  )
  if (options.banner !== undefined) writeFileSync(join(folder, 'banner'), options.banner)
  // Privilege separation wants this folder when sshd runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })

  for (let attempt = 0; ; attempt += 1) {
    const port = options.port ?? (await freePort(address))
    const config = join(folder, 'sshd_config')
    writeFileSync(config, configuration({ options, address, port, folder, home, nonce, hostKeys }))
    const [program = sshdPath, ...words] = [...(options.within ?? []), sshdPath, '-D', '-e', '-f', config]
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
    const isUp = await waitUntil(() => log.includes('Server listening') || child.exitCode !== null, {
      what: 'sshd to listen',
      describe: () => log,
    }).then(() => child.exitCode === null)
    if (!isUp) {
      if (attempt < 5 && /Address already in use/.test(log)) continue
      rmSync(folder, { recursive: true, force: true })
      throw new Error(`sshd did not start:\n${log}`)
    }
    const knownHostsFile = join(folder, 'known_hosts')
    const shownName = port === 22 ? address : `[${address}]:${port}`
    writeFileSync(knownHostsFile, hostKeys.map((key) => `${shownName} ${key.publicLine}\n`).join(''))
    const outer = child.pid as number
    const pid = options.within === undefined ? outer : (childrenOf(outer)[0] ?? outer)
    return {
      address,
      port,
      user: userInfo().username,
      folder,
      home,
      hostKeys,
      clientKey,
      knownHostsFile,
      pid,
      log: () => log,
      connectionPids: () => childrenOf(pid),
      stop: () => stop(child, nonce, folder),
    }
  }
}

interface Configured {
  readonly options: SshdOptions
  readonly address: string
  readonly port: number
  readonly folder: string
  readonly home: string
  readonly nonce: string
  readonly hostKeys: readonly KeyFile[]
}

function configuration({ options, address, port, folder, home, nonce, hostKeys }: Configured): string {
  const env = Object.entries({ HOME: home, KX_TEST_SSHD: nonce, ...options.env })
  const force = options.forceCommand ?? (options.loginShell && throughShell(folder, options.loginShell))
  return `${[
    // The first value of a setting counts.
    ...(options.config ?? []),
    `ListenAddress ${address.includes(':') ? `[${address}]` : address}:${port}`,
    ...hostKeys.map((key) => `HostKey ${key.path}`),
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile ${join(folder, 'sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'PrintMotd no',
    'PrintLastLog no',
    'LogLevel VERBOSE',
    ...(options.config?.some((line) => line.startsWith('Subsystem')) ? [] : ['Subsystem sftp internal-sftp']),
    `MaxStartups ${options.maxStartups ?? '200'}`,
    ...(options.maxSessions === undefined ? [] : [`MaxSessions ${options.maxSessions}`]),
    ...(options.maxAuthTries === undefined ? [] : [`MaxAuthTries ${options.maxAuthTries}`]),
    ...(options.banner === undefined ? [] : [`Banner ${join(folder, 'banner')}`]),
    ...(force === undefined ? [] : [`ForceCommand ${force}`]),
    `SetEnv ${env.map(([name, value]) => `"${name}=${value}"`).join(' ')}`,
  ].join('\n')}\n`
}

/** Hands the command over to another shell exactly as sshd hands it to a login shell: as the word behind `-c`. */
function throughShell(folder: string, shell: readonly string[]): string {
  const path = join(folder, 'login-shell')
  const sftp = sftpServer.find((each) => existsSync(each)) ?? 'false'
  const words = shell.map((word) => `'${word}'`).join(' ')
  writeFileSync(
    path,
    `#!/bin/sh
case $SSH_ORIGINAL_COMMAND in internal-sftp) exec ${sftp} ;; esac
exec ${words} -c "$SSH_ORIGINAL_COMMAND"
`,
    { mode: 0o755 },
  )
  return path
}

function writeNoise(home: string, noise: string): void {
  const word = `'${noise.replaceAll("'", "'\\''")}'`
  const lines = `printf '%s\\n' ${word}\nprintf '%s\\n' ${word} >&2\n`
  for (const name of ['.bashrc', '.zshenv']) writeFileSync(join(home, name), lines)
  mkdirSync(join(home, '.config', 'fish'), { recursive: true })
  writeFileSync(join(home, '.config', 'fish', 'config.fish'), lines)
}

function statFields(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

const childrenOf = (parent: number) => pids().filter((pid) => statFields(pid)?.[1] === String(parent))

/** Everything below a process, however deep. */
const below = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)])

/** Processes of sessions that outlived their connection: they carry the mark of this server in their environment. */
function leftBehind(nonce: string): number[] {
  return pids().filter((pid) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`KX_TEST_SSHD=${nonce}`)
    } catch {
      return false
    }
  })
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}

async function stop(child: ChildProcess, nonce: string, folder: string): Promise<void> {
  const served = child.exitCode === null ? below(child.pid as number) : []
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  for (const pid of served) end(pid, 'SIGKILL')
  await waitUntil(
    () => {
      const left = leftBehind(nonce)
      for (const pid of left) end(pid, 'SIGKILL')
      return left.every((pid) => statFields(pid)?.[0] === 'Z')
    },
    { what: 'sessions of a stopped sshd to end' },
  )
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
