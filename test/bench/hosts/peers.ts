import { hasProgram, type Place, timed } from './place.ts'

/** Seconds by name of the program. Not installed: left out. */
type Seconds = Readonly<Record<string, number>>

/** What programs of the system take to bring a file or a folder here, and then the system to have it on the disk. */
export interface PeerTimes {
  readonly copy: Seconds
  readonly durable: Seconds
}

/** Copies `path` (a file or a folder of the place) into `into` by every peer that is there, one after the other. */
export async function byPeers(place: Place, path: string, into: (peer: string) => string): Promise<PeerTimes> {
  const { options, port, sshd } = place
  const at = `${sshd.user}@${sshd.address}`
  const ways: Readonly<Record<string, () => Promise<number>>> = {
    scp: () => timed('scp', [...options, '-q', '-r', '-P', String(port), `${at}:${path}`, into('scp')]),
    sftp: () => timed('sftp', [...options, '-q', '-r', '-P', String(port), `${at}:${path}`, into('sftp')]),
    rsync: () =>
      timed('rsync', ['-a', '-e', ['ssh', ...options, '-p', String(port)].join(' '), `${at}:${path}`, into('rsync')]),
  }
  const copy: Record<string, number> = {}
  const durable: Record<string, number> = {}
  for (const [name, run] of Object.entries(ways)) {
    if (!hasProgram(name)) continue
    copy[name] = await run()
    durable[name] = await timed('sync', ['-f', into(name)])
  }
  return { copy, durable }
}
