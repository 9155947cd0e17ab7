import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scaledTiming } from '../../../src/host/ssh/timing.ts'
import type { SshHop, SshHost, SshHostOptions, VerifyHostKey } from '../../../src/host/ssh/types.ts'
import { type LinkProxy, startProxy } from '../../harness/link-proxy.ts'
import { type NetBox, startNetBox, whyNoNetBoxes } from '../../harness/netbox.ts'
import { hopTo, type TestHost, tellingHost, trusting } from '../../harness/ssh-host.ts'
import { type Sshd, type SshdOptions, startSshd } from '../../harness/sshd.ts'

/** A server and a link to it that can be broken. */
export interface Box {
  readonly sshd: Sshd
  readonly hop: SshHop
  readonly verify: VerifyHostKey
  /** Null where the link is a proxy. */
  readonly machine: NetBox | null
  readonly proxy: LinkProxy | null
  cut(which?: 'both' | 'replies'): void
  heal(): void
}

/** What one case starts; all of it is ended after the case, the last first. */
export class Rig {
  readonly #open: (() => Promise<void>)[] = []

  later(stop: () => Promise<void> | void): void {
    this.#open.push(async () => stop())
  }

  async end(): Promise<void> {
    for (const stop of this.#open.splice(0).reverse()) await stop()
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'kx-fault-'))
    this.later(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
    return folder
  }

  async sshd(options: SshdOptions = {}): Promise<Sshd> {
    const sshd = await startSshd({ hostKeyTypes: ['ecdsa'], ...options })
    this.later(() => sshd.stop())
    return sshd
  }

  async proxy(port: number, address?: string): Promise<LinkProxy> {
    const proxy = await startProxy(port)
    if (address !== undefined) proxy.target(port, address)
    this.later(() => proxy.stop())
    return proxy
  }

  /** A server behind a link: in namespaces where they can be made, else behind a proxy. */
  async box(options: SshdOptions & { readonly by?: 'proxy' } = {}): Promise<Box> {
    if (options.by === 'proxy' || whyNoNetBoxes() !== null) {
      const sshd = await this.sshd(options)
      const proxy = await this.proxy(sshd.port)
      const hop = { ...hopTo(sshd), address: '127.0.0.1', port: proxy.port }
      const heal = () => {
        // What was sent into the dark is gone for both sides by now: the connections are not to be believed any more.
        proxy.pass()
      }
      return { sshd, hop, verify: trusting(sshd), machine: null, proxy, cut: () => proxy.blackHole(), heal }
    }
    const machine = await startNetBox()
    this.later(() => machine.stop())
    const sshd = await this.sshd({ ...options, address: machine.address, port: 22, within: machine.within() })
    return {
      ...{ sshd, machine, proxy: null, hop: hopTo(sshd), verify: trusting(sshd) },
      cut: (which) => machine.cut(which),
      heal: () => machine.heal(),
    }
  }

  host(box: Pick<Box, 'hop' | 'verify'>, more: Partial<SshHostOptions> = {}): TestHost {
    return this.hostBy([box.hop], box.verify, more)
  }

  hostBy(hops: readonly SshHop[], verify: VerifyHostKey, more: Partial<SshHostOptions> = {}): TestHost {
    const made = tellingHost(hops, verify, more)
    this.later(() => made.host.close())
    return made
  }
}

/** The clock of a link, so much faster than that of a person. */
export const timingAt = (factor: number) => scaledTiming(factor)

/**
 * How long this process did not get to run, at most, in milliseconds: a bound of seconds that a link must keep is a
 * promise of kx and not of a machine that is busy with other tests.
 */
export class Lag {
  maxMs = 0
  #last = performance.now()
  readonly #timer = setInterval(() => {
    const now = performance.now()
    this.maxMs = Math.max(this.maxMs, now - this.#last - 10)
    this.#last = now
  }, 10)

  /** Pauses of before are forgotten. */
  restart(): void {
    this.maxMs = 0
    this.#last = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** What the file holds on the box's disk, as the test sees it. */
export const bytesOf = (path: string): Buffer => readFileSync(path)

/** Sockets of this process that are open. */
export const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

export type { SshHost }
