import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './wait.ts'

/**
 * A machine of its own for a test, made of Linux namespaces: network (one cable to the test), processes, mounts, host
 * name, machine id, boot id, and a disk of fixed size. Needs root.
 */
export interface NetBox {
  readonly name: string
  /** Where the box is reached from the test. */
  readonly address: string
  /** The test's own end of the cable. */
  readonly nearAddress: string
  /** Root of its disk: the same path inside and outside. */
  readonly disk: string
  readonly machineId: string
  bootId(): string
  /** Words before a command that is to run inside. Changes with every boot. */
  within(): readonly string[]
  /** Runs a program inside and returns what it printed. */
  run(argv: readonly string[]): string
  /** Nothing passes the cable any more, and nobody is told. `replies`: only what the box sends is lost. */
  cut(which?: 'both' | 'replies'): void
  /** The cable is whole again. */
  heal(): void
  /** Takes its power away: no packet says goodbye, every process is gone, the disk keeps what it has. */
  powerOff(): Promise<void>
  /** Starts it again under a new boot id, the cable whole. Nothing runs until the test starts it. */
  powerOn(): Promise<void>
  stop(): Promise<void>
}

export interface NetBoxOptions {
  readonly name?: string
  /** Size of its disk, a tmpfs. Default 256 MiB. */
  readonly diskBytes?: number
  /** Files and folders that fit on it. Default 20,000. */
  readonly diskInodes?: number
}

const prefix = 'kx-netbox-'
let number = 0
let found: string | null | undefined

/** Null when boxes can be made here, else why not, in words. Tried once, by making what a box needs. */
export function whyNoNetBoxes(): string | null {
  if (found !== undefined) return found
  const script = `
    set -e
    unshare -n sh -c 'ip link set lo up && ip link add kxa type veth peer name kxb && iptables -w -A INPUT -i kxa -j DROP'
    unshare -m -p -u --fork --mount-proc --kill-child sh -c 'mount -t tmpfs -o size=1m,nr_inodes=20 none /mnt'
  `
  const tried = process.getuid?.() === 0 ? spawnSync('sh', ['-c', script], { encoding: 'utf8' }) : null
  found =
    tried === null
      ? 'namespaces of their own need root'
      : tried.status === 0
        ? null
        : `namespaces cannot be made here: ${tried.stderr.trim().split('\n').at(-1) ?? ''}`
  return found
}

/** Whether tests that cannot do without namespaces can run; the others take loopback addresses in their place. */
export function needsNetBoxes(): { skip: boolean; reason: string } {
  const why = whyNoNetBoxes()
  if (why === null) return { skip: false, reason: '' }
  if (process.env.KX_REQUIRE_TOOLS === '1' && process.getuid?.() === 0) throw new Error(why)
  console.warn(`skipped: ${why}`)
  return { skip: true, reason: why }
}

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] })

/** A pair of addresses in 10.200.0.0/13 that no interface has. */
function freePair(): { near: string; far: string } {
  const taken = ip('-o', '-4', 'addr').toString()
  for (;;) {
    const [a, b, c] = randomBytes(3) as unknown as [number, number, number]
    const base = `10.${200 + (a % 8)}.${b}`
    const first = (c & 0xfc) + 1
    if (!taken.includes(` ${base}.${first}/`)) return { near: `${base}.${first}`, far: `${base}.${first + 1}` }
  }
}

/** What a test that was killed left: disks that belong to no living process. */
function sweep(): void {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  for (const folder of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(folder)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    const path = join(tmpdir(), folder)
    if (mounts.some((line) => line.includes(` ${path}/disk `))) spawnSync('umount', ['-l', join(path, 'disk')])
    rmSync(path, { recursive: true, force: true })
  }
}

async function ready(child: ChildProcess, what: string): Promise<void> {
  let said = ''
  let trouble = ''
  child.stdout?.on('data', (chunk) => {
    said += chunk
  })
  child.stderr?.on('data', (chunk) => {
    trouble += chunk
  })
  await waitUntil(() => said.includes('ready') || child.exitCode !== null, { what, describe: () => trouble })
  if (child.exitCode !== null) throw new Error(`${what}: ${trouble}`)
}

/** The only child of a process that forked, by the kernel's own list. */
const childOf = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])

/** Whatever starts it dies: so does it, and with it everything inside. */
const leashed = ['setpriv', '--pdeathsig', 'KILL']

export async function startNetBox(options: NetBoxOptions = {}): Promise<NetBox> {
  const why = whyNoNetBoxes()
  if (why !== null) throw new Error(why)
  if (number === 0) sweep()
  number += 1
  const name = options.name ?? `box${number}`
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const size = options.diskBytes ?? 256 * 1024 * 1024
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${size},nr_inodes=${options.diskInodes ?? 20_000},mode=0755`,
    'none',
    disk,
  ])

  // The network outlives a boot: a box without power still has a cable.
  const cable = spawn(
    'setpriv',
    [...leashed.slice(1), 'unshare', '-n', 'sh', '-c', 'echo ready; exec sleep infinity'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  await ready(cable, 'a network namespace')
  const inNet = ['nsenter', '-t', String(cable.pid), '-n']
  const net = (...words: string[]) => execFileSync('nsenter', [...inNet.slice(1), ...words], { stdio: 'pipe' })
  const { near, far } = freePair()
  const nearEnd = `kx${randomBytes(4).toString('hex')}a`
  const farEnd = `${nearEnd.slice(0, -1)}b`
  ip('link', 'add', nearEnd, 'type', 'veth', 'peer', 'name', farEnd, 'netns', String(cable.pid))
  ip('addr', 'add', `${near}/30`, 'dev', nearEnd)
  ip('link', 'set', nearEnd, 'up')
  net('ip', 'addr', 'add', `${far}/30`, 'dev', farEnd)
  net('ip', 'link', 'set', farEnd, 'up')
  net('ip', 'link', 'set', 'lo', 'up')

  const machineId = randomBytes(16).toString('hex')
  writeFileSync(join(folder, 'machine-id'), `${machineId}\n`)
  let bootId = ''
  let init: { readonly process: ChildProcess; readonly pid: number } | null = null

  const boot = async () => {
    bootId = readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim()
    writeFileSync(join(folder, 'boot-id'), `${bootId}\n`)
    const script = `
      hostname ${name}
      [ ! -e /etc/machine-id ] || mount --bind ${folder}/machine-id /etc/machine-id || exit 1
      mount --bind ${folder}/boot-id /proc/sys/kernel/random/boot_id || exit 1
      echo ready
      while :; do sleep 3600 & wait; done
    `
    const words = [...leashed.slice(1), ...inNet, 'unshare', '-m', '-p', '-u', '--fork', '--mount-proc']
    const child = spawn('setpriv', [...words, '--kill-child', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await ready(child, `${name} to boot`)
    init = { process: child, pid: childOf(child.pid as number) }
  }
  const halt = async () => {
    if (init === null) return
    const { process: child, pid } = init
    init = null
    const ended = child.exitCode === null && child.signalCode === null && new Promise((r) => child.once('exit', r))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went before.
    }
    await ended
  }
  const drop = (...chains: string[]) => {
    for (const chain of chains) net('iptables', '-w', '-I', chain, '!', '-i', 'lo', '-j', 'DROP')
  }
  const within = () => {
    if (init === null) throw new Error(`${name} has no power`)
    return ['nsenter', '-t', String(init.pid), '-n', '-m', '-p', '-u', '--']
  }
  await boot()
  return {
    name,
    address: far,
    nearAddress: near,
    disk,
    machineId,
    bootId: () => bootId,
    within,
    run: (argv) => {
      const [program = '', ...words] = [...within(), ...argv]
      return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    },
    cut: (which = 'both') => {
      net('iptables', '-w', '-I', 'OUTPUT', '!', '-o', 'lo', '-j', 'DROP')
      if (which === 'both') drop('INPUT')
    },
    heal: () => void net('iptables', '-w', '-F'),
    powerOff: async () => {
      net('iptables', '-w', '-I', 'OUTPUT', '!', '-o', 'lo', '-j', 'DROP')
      drop('INPUT')
      await halt()
    },
    powerOn: async () => {
      await halt()
      await boot()
      net('iptables', '-w', '-F')
    },
    stop: async () => {
      await halt()
      const ended = new Promise((resolve) => cable.once('exit', resolve))
      cable.kill('SIGKILL')
      await ended
      // Whoever still stands in the disk is a test that did not end its own; the name goes at once either way.
      spawnSync('umount', ['-l', disk])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
