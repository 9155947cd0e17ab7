import { hasProgram, type Place, timed } from './place.ts'

/** What a program of the system takes to bring a file or a folder here, and then the system to have it on the disk. */
export interface PeerSeconds {
  readonly copy: number
  readonly durable: number
}

type Peer = (place: Place, path: string, into: string) => Promise<number>

const from = ({ sshd }: Place, path: string) => `${sshd.user}@${sshd.address}:${path}`

const ways: Readonly<Record<string, Peer>> = {
  scp: (place, path, into) =>
    timed('scp', [...place.options, '-q', '-r', '-P', String(place.port), from(place, path), into]),
  sftp: (place, path, into) =>
    timed('sftp', [...place.options, '-q', '-r', '-P', String(place.port), from(place, path), into]),
  rsync: (place, path, into) => {
    const shell = ['ssh', ...place.options, '-p', String(place.port)].join(' ')
    return timed('rsync', ['-a', '-e', shell, from(place, path), into])
  },
}

/** Names of those that are installed. */
export const peersHere = () => Object.keys(ways).filter(hasProgram)

/** Copies `path` (a file or a folder of the place) into `into` by one peer. */
export async function byPeer(name: string, place: Place, path: string, into: string): Promise<PeerSeconds> {
  const copy = await (ways[name] as Peer)(place, path, into)
  return { copy, durable: await timed('sync', ['-f', into]) }
}
