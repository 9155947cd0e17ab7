import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeNvidiaSmi, fakeNvidiaSmi, type GpuModel } from './fake-nvidia-smi.ts'
import { type NetBox, startNetBox, whyNoNetBoxes } from './netbox.ts'
import { type KeyFile, type KeyType, makeKey, type Sshd, type SshdOptions, startSshd } from './sshd.ts'

export interface FleetOptions {
  /** Cards of each box: one kind for all, or one entry a box; null: a box without nvidia-smi. Default none. */
  readonly gpus?: BoxGpus | readonly BoxGpus[]
  readonly diskBytes?: number
  readonly diskInodes?: number
  /** `netns` fails where namespaces cannot be made; default `any`: loopback addresses take their place. */
  readonly means?: 'any' | 'netns' | 'loopback'
  readonly sshd?: SshdOptions
  /** Kinds of host keys; ECDSA alone by default: RSA keys cost seconds. */
  readonly hostKeyTypes?: readonly KeyType[]
}
export type BoxGpus = { readonly model: GpuModel; readonly count?: number } | null

/** One of several hosts with a real sshd, keys and a home of its own. */
export interface FleetBox {
  readonly name: string
  /** Replaced by every start of the server. */
  readonly sshd: Sshd
  readonly address: string
  readonly port: number
  /** HOME of sessions, on the disk of the box; the same path inside and outside. */
  readonly home: string
  readonly gpu: FakeNvidiaSmi | null
  /** Null on loopback, where all boxes are this one machine to whoever asks for its ids. */
  readonly machine: NetBox | null
  /** Only the server: its port is closed, the rest of the box lives on. */
  stopServer(): Promise<void>
  startServer(more?: SshdOptions): Promise<void>
  /** The box is gone without a word: no power on a box of its own, else its server and all sessions killed. */
  powerOff(): Promise<void>
  /** Back with the same disk and keys; under a new boot id on a box of its own. */
  powerOn(): Promise<void>
}

export interface Fleet {
  readonly boxes: readonly FleetBox[]
  readonly means: 'netns' | 'loopback'
  /** Every box of the fleet has this one key of the user. */
  readonly clientKey: KeyFile
  /** Lines for an ssh_config that name the boxes and nothing else. */
  sshConfig(more?: string): string
  stop(): Promise<void>
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Several real hosts for one test. In namespaces each has its own network, processes, machine id, boot id and disk of
 * fixed size; without root they are servers on 127.0.0.N with homes of their own, and share the rest.
 */
export async function startFleet(count: number, options: FleetOptions = {}): Promise<Fleet> {
  const asked = options.means ?? 'any'
  const why = asked === 'loopback' ? 'loopback was asked for' : whyNoNetBoxes()
  if (asked === 'netns' && why !== null) throw new Error(why)
  const means = why === null ? 'netns' : 'loopback'
  const folder = mkdtempSync(join(tmpdir(), 'kx-fleet-'))
  const clientKey = makeKey(folder, 'client')
  const boxes: Box[] = []
  const stop = async () => {
    await Promise.all(boxes.map((box) => box.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    for (let n = 0; n < count; n += 1) boxes.push(await startBox(n, { ...options, means }, folder, clientKey))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    boxes,
    means,
    clientKey,
    sshConfig: (more = '') =>
      boxes
        .map(
          ({ name, sshd }) =>
            `Host ${name}\n  HostName ${sshd.address}\n  Port ${sshd.port}\n  User ${sshd.user}\n` +
            `  IdentityFile ${clientKey.path}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${sshd.knownHostsFile}\n` +
            `  GlobalKnownHostsFile /dev/null\n${more}`,
        )
        .join(''),
    stop,
  }
}

interface Box extends FleetBox {
  stop(): Promise<void>
}

async function startBox(n: number, options: FleetOptions, folder: string, clientKey: KeyFile): Promise<Box> {
  const name = `box${n + 1}`
  const own = join(folder, name)
  mkdirSync(own)
  const machine = options.means === 'netns' ? await startNetBox({ name, ...options }) : null
  try {
    const home = join(machine?.disk ?? own, 'home')
    mkdirSync(home, { mode: 0o700 })
    const cards = Array.isArray(options.gpus) ? (options.gpus[n] ?? null) : ((options.gpus ?? null) as BoxGpus)
    // Beside the disk, so that a full disk does not take the cards away.
    const gpu = cards === null ? null : fakeNvidiaSmi(join(own), cards.model, cards.count)
    const address = machine?.address ?? `127.0.0.${10 + n}`
    const hostKeys = (options.hostKeyTypes ?? ['ecdsa']).map((type) => makeKey(own, `host_${type}`, type))
    const path = gpu === null ? systemPath : `${gpu.binFolder}:${systemPath}`
    const start = (port: number | undefined, more: SshdOptions = {}) =>
      startSshd({
        ...options.sshd,
        ...more,
        ...{ address, home, hostKeys, clientKey },
        env: { PATH: path, TMUX_TMPDIR: home, ...options.sshd?.env, ...more.env },
        ...(machine === null ? {} : { within: machine.within() }),
        ...(port === undefined ? {} : { port }),
      })
    let sshd = await start(machine === null ? undefined : 22)
    const { port } = sshd
    const startServer = async (more?: SshdOptions) => {
      sshd = await start(port, more)
    }
    const powerOff = async () => {
      await machine?.powerOff()
      await sshd.stop()
    }
    return {
      ...{ name, address, port, home, gpu, machine },
      get sshd() {
        return sshd
      },
      stopServer: () => sshd.stop(),
      startServer,
      powerOff,
      powerOn: async () => {
        await machine?.powerOn()
        await startServer()
      },
      stop: async () => {
        await sshd.stop()
        await machine?.stop()
      },
    }
  } catch (error) {
    await machine?.stop()
    throw error
  }
}
