import { createServer, type Server, Socket } from 'node:net'

/** More than this on its way holds the sender back, as a full socket buffer does. */
const mostBytesUnderWay = 64 * 1024 * 1024

interface Link {
  readonly near: Socket
  readonly far: Socket
  /** What waits to go on, in order, for each direction. */
  readonly flows: readonly Flow[]
}

interface Piece {
  readonly dueAt: number
  readonly bytes: Buffer | null
}

/** One direction of one connection: bytes go on in order, each after the delay that held when it came. */
class Flow {
  readonly #from: Socket
  readonly #to: Socket
  readonly #rules: Rules
  readonly #lane: Lane
  #waiting: Piece[] = []
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, rules: Rules, lane: Lane) {
    this.#lane = lane
    this.#from = from
    this.#to = to
    this.#rules = rules
    from.on('data', (bytes: Buffer) => {
      rules.passed += bytes.byteLength
      this.#underWay += bytes.byteLength
      const { bytesPerSecond } = rules
      const outAt = bytesPerSecond === null ? performance.now() : this.#lane.take(bytes.byteLength, bytesPerSecond)
      if (rules.corruptFrom !== null && bytes.byteLength >= rules.corruptFrom) {
        rules.corruptFrom = null
        const at = bytes.byteLength >> 1
        bytes[at] = (bytes[at] as number) ^ 1
      }
      this.#waiting.push({ dueAt: outAt + rules.delayMs + (rules.stall?.() ?? 0), bytes })
      if (this.#underWay > this.#most) from.pause()
      this.pump()
    })
    from.on('end', () => {
      this.#waiting.push({ dueAt: performance.now() + rules.delayMs, bytes: null })
      this.pump()
    })
    to.on('drain', () => this.pump())
  }

  /** More than this on its way holds the sender back. */
  get #most(): number {
    const { bytesPerSecond, delayMs, stall } = this.#rules
    if (bytesPerSecond === null) return mostBytesUnderWay
    // What is on its way is no queue: a sender whose window fits the link has so much of it out.
    return queueBytes + (bytesPerSecond * delayMs * (stall === null ? 2 : 4)) / 1000
  }

  pump(): void {
    clearTimeout(this.#timer)
    while (!this.#rules.isBlackHole && !this.#to.writableNeedDrain) {
      const next = this.#waiting[0]
      if (next === undefined) return
      const wait = next.dueAt - performance.now()
      if (wait > 0.5) {
        this.#timer = setTimeout(() => this.pump(), wait)
        return
      }
      this.#waiting.shift()
      if (next.bytes === null) this.#to.end()
      else {
        this.#to.write(next.bytes)
        this.#underWay -= next.bytes.byteLength
        if (this.#underWay < this.#most / 2) this.#from.resume()
      }
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
  }
}

interface Rules {
  delayMs: number
  isBlackHole: boolean
  passed: number
  /** Null: as fast as it goes. */
  bytesPerSecond: number | null
  /** A packet that is lost comes one round trip later, and what is behind it on its connection waits. */
  stall: (() => number) | null
  /** Flips one bit of the next piece of at least so many bytes, once. */
  corruptFrom: number | null
}

/** What a slow link holds of one connection before its sender has to wait: 400 ms at 2 Mbit/s. */
const queueBytes = 100_000

/** One direction of a slow link: one queue for all connections, first come first served. */
class Lane {
  /** When what was taken so far is out at the other end, on the clock of `performance`. */
  #freeAt = 0

  /** When these bytes are out at the other end. */
  take(bytes: number, bytesPerSecond: number): number {
    this.#freeAt = Math.max(performance.now(), this.#freeAt) + (bytes / bytesPerSecond) * 1000
    return this.#freeAt
  }
}

/** A TCP link in the test's own process that can be slow, cut, silent or refused. */
export interface LinkProxy {
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Connections accepted so far. */
  readonly accepted: number
  /** Bytes that came in, both directions together. */
  readonly passedBytes: number
  /** One way, each direction. */
  delay(milliseconds: number): void
  /** Of each direction, over all connections together; null: as fast as it goes. */
  rate(bytesPerSecond: number | null): void
  /** Each piece waits so many milliseconds longer, as after a loss; null: none does. */
  stall(milliseconds: (() => number) | null): void
  /** Flips one bit of the next piece that has at least so many bytes, in either direction. */
  corrupt(fromBytes: number): void
  /** Nothing passes any more, and nobody is told: a half-open link. What is sent waits, as TCP would send it again. */
  blackHole(): void
  /** Lets pass again, beginning with what waited. */
  pass(): void
  /** Ends every open connection at once with a reset; new ones are taken. */
  cut(): void
  /** Refuses new connections; open ones stay. */
  refuse(): Promise<void>
  /** Takes connections again, at the same port. */
  accept(): Promise<void>
  /** New connections go there from now on. */
  target(port: number, address?: string): void
  stop(): Promise<void>
}

/** Starts a proxy on a free loopback port (or the given one) in front of a server on loopback. */
export async function startProxy(targetPort: number, options: { address?: string; port?: number } = {}) {
  const { address = '127.0.0.1' } = options
  const rules: Rules = {
    delayMs: 0,
    isBlackHole: false,
    passed: 0,
    bytesPerSecond: null,
    stall: null,
    corruptFrom: null,
  }
  const [out, back] = [new Lane(), new Lane()]
  const links = new Set<Link>()
  let to = { port: targetPort, address }
  let accepted = 0
  let server: Server | null = null

  const drop = (link: Link) => {
    links.delete(link)
    for (const flow of link.flows) flow.stop()
    link.near.destroy()
    link.far.destroy()
  }
  const take = (near: Socket) => {
    accepted += 1
    const far = new Socket({ allowHalfOpen: true })
    const link: Link = { near, far, flows: [new Flow(near, far, rules, out), new Flow(far, near, rules, back)] }
    links.add(link)
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', () => drop(link))
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) links.delete(link)
      })
    }
    far.connect(to.port, to.address)
  }
  const listen = async (port: number) => {
    const next = createServer({ allowHalfOpen: true }, take)
    await new Promise<void>((resolve, reject) => next.once('error', reject).listen(port, address, resolve))
    server = next
    const found = next.address()
    if (found === null || typeof found === 'string') throw new Error('the proxy has no port')
    return found.port
  }
  const refuse = async () => {
    const old = server
    server = null
    // Its close callback waits for open connections, which are to stay.
    old?.close()
  }
  const port = await listen(options.port ?? 0)
  const proxy: LinkProxy = {
    port,
    get connections() {
      return links.size
    },
    get accepted() {
      return accepted
    },
    get passedBytes() {
      return rules.passed
    },
    delay: (milliseconds) => {
      rules.delayMs = milliseconds
    },
    stall: (milliseconds) => {
      rules.stall = milliseconds
    },
    corrupt: (fromBytes) => {
      rules.corruptFrom = fromBytes
    },
    rate: (bytesPerSecond) => {
      rules.bytesPerSecond = bytesPerSecond
    },
    blackHole: () => {
      rules.isBlackHole = true
    },
    pass: () => {
      rules.isBlackHole = false
      for (const link of links) for (const flow of link.flows) flow.pump()
    },
    cut: () => {
      for (const link of links) {
        link.near.resetAndDestroy()
        link.far.resetAndDestroy()
        drop(link)
      }
    },
    refuse,
    accept: async () => {
      if (server === null) await listen(port)
    },
    target: (nextPort, nextAddress = address) => {
      to = { port: nextPort, address: nextAddress }
    },
    stop: async () => {
      await refuse()
      for (const link of links) drop(link)
    },
  }
  return proxy
}
