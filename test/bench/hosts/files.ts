import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pullFiles } from '../../../src/artifact/pull-files.ts'
import { expandRoster } from '../../../src/artifact/roster.ts'
import type { HostsBenchSizes } from '../hosts.ts'
import { median, tidy } from '../stats.ts'
import { byPeer, type PeerSeconds, peersHere } from './peers.ts'
import { openPlace, type Place, timed } from './place.ts'

const mib = 1024 * 1024
/** Size of each of the many small files, as results and metrics of units are. */
const smallBytes = 2048

/** One file of random bytes, so that nothing on the way can make it shorter. */
export function makeLarge(folder: string, sizeMib: number): void {
  mkdirSync(folder)
  const path = join(folder, 'model.bin')
  execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${sizeMib}`], { stdio: 'ignore' })
}

function makeSmall(folder: string, count: number): void {
  const bytes = Buffer.alloc(smallBytes)
  for (let i = 0; i < count; i += 1) {
    const unit = join(folder, 'units', `u${Math.floor(i / 100)}`)
    if (i % 100 === 0) mkdirSync(unit, { recursive: true })
    writeFileSync(join(unit, `part-${i % 100}.bin`), randomFillSync(bytes))
  }
}

interface KxSeconds {
  /** All of it, connecting and finding the files too. */
  readonly total: number
  /** Without what follows: what a peer does. */
  readonly transfer: number
  /** Waiting until what came is on the disk. */
  readonly durable: number
  /** Hashing at both ends, comparing, looking whether the source is still the same. */
  readonly verification: number
}

/** Pulls everything below a folder as kx does it, with a connection of its own as the peers have. */
async function byKx(place: Place, folder: string, into: string): Promise<KxSeconds> {
  const began = performance.now()
  const host = place.host()
  const { signal } = new AbortController()
  const { files } = await expandRoster(
    host,
    folder,
    [{ glob: '**/*.bin', kind: 'other', minimumCount: 1, minimumBytes: 1 }],
    signal,
  )
  let proving = 0
  let syncing = 0
  const pulled = await pullFiles(host, folder, files, into, {
    signal,
    onProved: (milliseconds) => {
      proving += milliseconds
    },
    onDurable: (milliseconds) => {
      syncing += milliseconds
    },
  })
  const total = (performance.now() - began) / 1000
  const bad = pulled.find((each) => each.status !== 'copied')
  if (bad !== undefined) throw new Error(`${bad.path}: ${bad.status} ${bad.reason}`)
  await host.close()
  const [verification, durable] = [proving / 1000, syncing / 1000]
  return { total, transfer: total - verification - durable, durable, verification }
}

/**
 * Everybody finds the disk at rest and the memory of this machine in use: a virtual machine gives back to its host what is
 * free, and whoever needs it next waits for it (measured: three times the time of the kernel for the same write).
 */
async function makeReady(place: Place, bytes: number): Promise<void> {
  const path = join(place.folder, 'memory')
  await timed('sync', [])
  await timed('dd', ['if=/dev/zero', `of=${path}`, 'bs=1M', `count=${Math.ceil(bytes / mib)}`])
  rmSync(path)
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, each) => (each.isFile() ? sum + statSync(join(each.parentPath, each.name)).size : sum),
    0,
  )
}

async function compare(place: Place, make: (folder: string) => void, rounds: number) {
  const source = join(place.folder, 'box')
  make(source)
  const bytes = bytesBelow(source)
  const names = peersHere()
  const peers: Readonly<Record<string, PeerSeconds>>[] = []
  const kx: KxSeconds[] = []
  // In turns, so that what else the machine does falls on all of them, and each round begins with another one.
  for (let round = 0; round < rounds; round += 1) {
    const found: Record<string, PeerSeconds> = {}
    const all = [...names, 'kx']
    for (let turn = 0; turn < all.length; turn += 1) {
      const name = all[(round + turn) % all.length] as string
      const into = join(place.folder, name)
      await makeReady(place, bytes)
      if (name === 'kx') kx.push(await byKx(place, source, into))
      else found[name] = await byPeer(name, place, source, into)
      rmSync(into, { recursive: true, force: true })
    }
    peers.push(found)
  }
  const of = (values: readonly number[]) => tidy(median(values), 2)
  const byName = (value: (name: string) => number) => Object.fromEntries(names.map((name) => [name, value(name)]))
  return {
    rounds,
    peerSeconds: byName((name) => of(peers.map((each) => each[name]?.copy ?? Number.NaN))),
    /** What `sync -f` took after each: a peer by itself leaves that to the system. */
    peerDurableSeconds: byName((name) => of(peers.map((each) => each[name]?.durable ?? Number.NaN))),
    kxSeconds: {
      total: of(kx.map((each) => each.total)),
      transfer: of(kx.map((each) => each.transfer)),
      durable: of(kx.map((each) => each.durable)),
      verification: of(kx.map((each) => each.verification)),
    },
  }
}

async function inPlace<T>(roundTripMs: number, act: (place: Place) => Promise<T>): Promise<T> {
  const place = await openPlace(roundTripMs)
  try {
    return await act(place)
  } finally {
    await place.stop()
  }
}

/** One large file over loopback. */
export const large = (sizes: HostsBenchSizes) =>
  inPlace(0, async (place) => ({
    mib: sizes.mib,
    ...(await compare(place, (folder) => makeLarge(folder, sizes.mib), sizes.rounds)),
  }))

/** Many small files over loopback. */
export const small = ({ files, rounds }: HostsBenchSizes) =>
  inPlace(0, async (place) => ({
    files,
    bytesEach: smallBytes,
    ...(await compare(place, (folder) => makeSmall(folder, files), rounds)),
  }))

/** More small files than this take scp an hour on a far link: it asks several times for each. */
const mostFarFiles = 100

/** The same two with 50 ms more to every round trip, once: the delay is what is measured, not the machine. */
export const far = (sizes: HostsBenchSizes) =>
  inPlace(50, async (place) => {
    const one = await compare(place, (folder) => makeLarge(folder, sizes.mib), 1)
    rmSync(join(place.folder, 'box'), { recursive: true })
    const some = Math.min(sizes.files, mostFarFiles)
    const many = await compare(place, (folder) => makeSmall(folder, some), 1)
    return {
      roundTripMs: 50,
      large: { mib: sizes.mib, ...one },
      small: { files: some, bytesEach: smallBytes, ...many },
    }
  })
