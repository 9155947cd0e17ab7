import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProbe } from '../../../src/host/probe/run-probe.ts'
import type { SshHost } from '../../../src/host/ssh/types.ts'
import { hopTo, text, trusting } from '../../harness/ssh-host.ts'
import { freePort, makeKey } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import type { FaultCase, FaultRow } from './types.ts'

const where = (name: string): string => {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

/** Commands, files and a probe: everything that a walk needs of a box. */
async function worksWhole(host: SshHost, folder: string): Promise<void> {
  const ran = await host.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutSeconds: 60 })
  assert.deepEqual(
    [ran.ending, text(ran.stdout), text(ran.stderr)],
    [{ kind: 'exited', code: 3 }, 'out\n', 'err\n'],
    'a command',
  )
  const path = join(folder, `a b'c`)
  await host.write(path, 'kept')
  assert.equal(text((await host.read(path, 0, 100)) ?? new Uint8Array()), 'kept', 'a file')
  assert.equal((await host.stat(path))?.bytes, 4)
  assert.equal(await host.sha256(path), createHash('sha256').update('kept').digest('hex'))
  await probes(host, folder)
}

/** Each figure is what it is, or unknown with a reason; nothing of the noise is taken for one. */
async function probes(host: SshHost, folder: string): Promise<void> {
  const { probe, trouble } = await runProbe(host, { paths: [folder], timeoutSeconds: 30 })
  assert.equal(trouble, null)
  assert(probe.isComplete, 'the probe came whole')
  for (const [name, reading] of Object.entries({ clock: probe.clockSeconds, boot: probe.bootId, cores: probe.cores }))
    assert(reading.isKnown, `${name}: ${reading.isKnown ? '' : reading.reason}`)
  const disk = probe.disks[0]?.bytes
  assert(disk?.isKnown === true, `disk: ${disk?.isKnown === false ? disk.reason : 'not asked'}`)
}

async function dropbear(given: FaultCase): Promise<void> {
  const { rig } = given
  const folder = rig.folder()
  const home = join(folder, 'home')
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  const key = makeKey(folder, 'client')
  const hostKey = join(folder, 'dropbear_host')
  const made = execFileSync('dropbearkey', ['-t', 'ecdsa', '-f', hostKey], { encoding: 'utf8', stdio: 'pipe' })
  const [type = '', base64 = ''] = (/^(ecdsa\S+ \S+)/m.exec(made)?.[1] ?? '').split(' ')
  const port = await freePort()
  // It reads the keys of the account's own home; one that is bound over it for this server alone is ours.
  const script = `mount --bind "$1" "$2" && exec dropbear -F -E -s -r "$3" -p 127.0.0.1:${port}`
  const account = process.env.HOME ?? '/root'
  writeFileSync(join(home, '.ssh', 'authorized_keys'), `${key.publicLine}\n`, { mode: 0o600 })
  const child: ChildProcess = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', home, account, hostKey], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  rig.later(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill('SIGKILL')) await ended
  })
  await waitUntil(() => /Not backgrounding|listening/i.test(log) || child.exitCode !== null, { describe: () => log })
  const hop = {
    ...{ address: '127.0.0.1', port, user: 'root' },
    identityFiles: [key.path],
    identitiesOnly: true,
    agentSocket: null,
  }
  const { host } = rig.hostBy([hop], (_h, _p, shown, blob) => ({
    isAccepted: shown === type && blob === base64,
    words: [],
  }))
  await host.exec(['true'], { timeoutSeconds: 30 }).then((ran) => {
    assert.deepEqual(ran.ending, { kind: 'exited', code: 0 }, `${JSON.stringify(ran.ending)} ${log}`)
  })
  await worksWhole(host, rig.folder())
  const late = await host.exec(['sh', '-c', 'sleep 600 & wait'], { timeoutSeconds: 1 })
  assert.deepEqual([late.timedOut, late.ending], [true, { kind: 'signalled', signal: 'SIGTERM' }], 'a kill by group')
  await refusesSftp(host, given, true)
}

/** Where there is no SFTP, whoever asks for it hears that name, and the rest goes on. */
async function refusesSftp(host: SshHost, given: FaultCase, mayWork = false): Promise<void> {
  const refusal = await host.sftp(20).then(
    (sftp) => {
      sftp.end()
      return null
    },
    (error: Error) => error.message,
  )
  if (refusal === null) {
    assert(mayWork, 'there is no SFTP to be had')
    return
  }
  given.say(refusal)
  assert.match(refusal, /SFTP/, `names what is missing: ${refusal}`)
  assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 }, 'commands go on')
}

const lacks: Readonly<Record<string, (given: FaultCase) => Promise<void>>> = {
  'sftp disabled': async (given) => {
    const sshd = await given.rig.sshd({ config: ['Subsystem sftp /bin/false'] })
    const { host } = given.rig.hostBy([hopTo(sshd)], trusting(sshd))
    await worksWhole(host, given.rig.folder())
    await refusesSftp(host, given)
  },
  'internal-sftp in a chroot, no commands': async (given) => {
    const root = given.rig.folder()
    const sshd = await given.rig.sshd({
      forceCommand: 'internal-sftp',
      config: process.getuid?.() === 0 ? [`ChrootDirectory ${rootOwned(root)}`] : [],
    })
    const { host, told } = given.rig.hostBy([hopTo(sshd)], trusting(sshd))
    const ran = await host.exec(['true'], { timeoutSeconds: 60 })
    assert.equal(ran.ending.kind, 'unknown')
    const last = told.at(-1)
    given.say(last?.reason ?? '')
    assert.equal(last?.problem, 'shell', 'refused once, and not tried again')
    assert.match(last?.reason ?? '', /runs commands|did not run sh/, 'names what is missing')
  },
  'no posix-rename, no fsync extension': async (given) => {
    const sshd = await given.rig.sshd({
      config: ['Subsystem sftp internal-sftp -P posix-rename,fsync'],
    })
    const { host } = given.rig.hostBy([hopTo(sshd)], trusting(sshd))
    const folder = given.rig.folder()
    await worksWhole(host, folder)
    // Replacing what is there is atomic without either.
    await host.write(join(folder, 'x'), 'one')
    await host.write(join(folder, 'x'), 'two')
    assert.equal(text((await host.read(join(folder, 'x'), 0, 10)) ?? new Uint8Array()), 'two')
  },
  dropbear,
  'busybox for every command': async (given) => {
    const bin = given.rig.folder()
    const busybox = where('busybox')
    for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n'))
      if (applet !== '' && applet !== 'busybox') symlinkSync(busybox, join(bin, applet))
    const sshd = await given.rig.sshd({ loginShell: [busybox, 'sh'], env: { PATH: bin } })
    const { host } = given.rig.hostBy([hopTo(sshd)], trusting(sshd))
    assert.match(text((await host.exec(['sh', '-c', 'command -v df'])).stdout), new RegExp(`^${bin}`))
    await worksWhole(host, given.rig.folder())
  },
}

/** sshd takes a chroot only below folders that belong to root and nobody else writes: `/tmp` is none. */
function rootOwned(folder: string): string {
  return existsSync('/run/sshd') ? '/run/sshd' : folder
}

export const s4: FaultRow = {
  id: 'S4',
  fault: 'sftp disabled, internal-sftp in a chroot, no posix-rename, dropbear, busybox',
  mustHold: 'degrade with the named capability',
  injected: () =>
    `configuration of sshd${canDropbear() ? '; a real dropbear' : '; dropbear is not installed and left out'}`,
  atOnce: 2,
  run: async (given) => {
    const names = Object.keys(lacks).filter(
      (name) => (name !== 'dropbear' || canDropbear()) && (!name.startsWith('busybox') || where('busybox') !== ''),
    )
    const way = given.turn(names)
    given.say(way)
    await lacks[way]?.(given)
  },
}

const canDropbear = () => where('dropbear') !== '' && where('dropbearkey') !== '' && process.getuid?.() === 0

const noise = 'Welcome to "the box"!\n  Last login: $(date); `id`\nmemory: 12 GiB\n\x1b[31mUse it well\x1b[0m'

export const s5: FaultRow = {
  id: 'S5',
  fault: 'remote shell fish, zsh, csh, noisy .bashrc, MOTD on stdout, locale, Windows sshd',
  mustHold: 'probes parse or refuse',
  injected: () =>
    'login shells behind a real sshd, noise on both streams; Windows by a command that answers as cmd.exe does (a fake)',
  atOnce: 2,
  run: async (given) => {
    const { rig } = given
    const shells = ['bash', 'dash', 'zsh', 'fish', 'csh', 'busybox'].filter((name) => where(name) !== '')
    const way = given.turn([...shells, 'MOTD', 'locale', 'cmd.exe'])
    given.say(way)
    const folder = rig.folder()
    if (way === 'cmd.exe') {
      // FAKE: what cmd.exe says to a line of sh.
      const answer = join(folder, 'cmd')
      writeFileSync(
        answer,
        `#!/bin/sh\nprintf "'sh' is not recognized as an internal or external command,\\r\\noperable program or batch file.\\r\\n" >&2\nexit 1\n`,
        { mode: 0o755 },
      )
      const windows = await rig.sshd({ forceCommand: answer })
      const { host, told } = rig.hostBy([hopTo(windows)], trusting(windows))
      const { probe, trouble } = await runProbe(host, { timeoutSeconds: 30 })
      assert(trouble !== null && !probe.isComplete && !probe.cores.isKnown, 'nothing is guessed')
      given.say(told.at(-1)?.reason ?? '')
      assert.equal(told.at(-1)?.problem, 'shell')
      assert.match(told.at(-1)?.reason ?? '', /not recognized/, 'says what the other side said')
      return
    }
    const loginShell = way === 'busybox' ? [where('busybox'), 'sh'] : shells.includes(way) ? [where(way)] : undefined
    const motd = join(folder, 'motd')
    writeFileSync(
      motd,
      `#!/bin/sh\nprintf '%s\\n' 'Message of the day: 3 updates'\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n`,
      { mode: 0o755 },
    )
    const sshd = await rig.sshd({
      ...(way === 'MOTD' ? { forceCommand: motd } : { noise }),
      ...(loginShell === undefined ? {} : { loginShell }),
      ...(way === 'locale' ? { env: { LC_ALL: given.turn(['C', 'POSIX', 'de_DE.UTF-8', 'no_SUCH.x']) } } : {}),
    })
    if (way === 'csh') writeFileSync(join(sshd.home, '.cshrc'), `echo 'noise of csh'\necho more >> /dev/stderr\n`)
    const { host } = rig.hostBy([hopTo(sshd)], trusting(sshd))
    await worksWhole(host, folder)
  },
}
