import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pullFiles } from '../../../src/artifact/pull-files.ts'
import { expandRoster } from '../../../src/artifact/roster.ts'
import type { HostsBenchSizes } from '../hosts.ts'
import { median, tidy } from '../stats.ts'
import { byPeers, type PeerTimes } from './peers.ts'
import { openPlace, type Place } from './place.ts'

/** Size of each of the many small files, as results and metrics of units are. */
const smallBytes = 2048

/** One file of random bytes, so that nothing on the way can make it shorter. */
export function makeLarge(folder: string, mib: number): void {
  mkdirSync(folder)
  const path = join(folder, 'model.bin')
  execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${mib}`], { stdio: 'ignore' })
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

async function compare(place: Place, make: (folder: string) => void, rounds: number) {
  const source = join(place.folder, 'box')
  make(source)
  const peers: PeerTimes[] = []
  const kx: KxSeconds[] = []
  // In turns, so that what else the machine does falls on all of them.
  for (let round = 0; round < rounds; round += 1) {
    const into = (name: string) => join(place.folder, `${name}-${round}`)
    peers.push(await byPeers(place, source, into))
    kx.push(await byKx(place, source, into('kx')))
    for (const name of ['scp', 'sftp', 'rsync', 'kx']) rmSync(into(name), { recursive: true, force: true })
  }
  const names = Object.keys(peers[0]?.copy ?? {})
  const of = (values: readonly number[]) => tidy(median(values), 2)
  const byName = (value: (name: string) => number) => Object.fromEntries(names.map((name) => [name, value(name)]))
  return {
    rounds,
    peerSeconds: byName((name) => of(peers.map((each) => each.copy[name] ?? Number.NaN))),
    /** What `sync -f` took after each: a peer by itself leaves that to the system. */
    peerDurableSeconds: byName((name) => of(peers.map((each) => each.durable[name] ?? Number.NaN))),
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
export const large = ({ mib, rounds }: HostsBenchSizes) =>
  inPlace(0, async (place) => ({ mib, ...(await compare(place, (folder) => makeLarge(folder, mib), rounds)) }))

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
export const far = ({ mib, files }: HostsBenchSizes) =>
  inPlace(50, async (place) => {
    const one = await compare(place, (folder) => makeLarge(folder, mib), 1)
    rmSync(join(place.folder, 'box'), { recursive: true })
    const some = Math.min(files, mostFarFiles)
    const many = await compare(place, (folder) => makeSmall(folder, some), 1)
    return { roundTripMs: 50, large: { mib, ...one }, small: { files: some, bytesEach: smallBytes, ...many } }
  })
