import { hasProgram, type Place, timed } from './place.ts'

/** Seconds that a program of the system takes to bring a file or a folder here, by name. Not installed: left out. */
export type PeerSeconds = Readonly<Record<string, number>>

/** Copies `path` (a file or a folder of the place) into `into` by every peer that is there, one after the other. */
export async function byPeers(place: Place, path: string, into: (peer: string) => string): Promise<PeerSeconds> {
  const { options, port, sshd } = place
  const at = `${sshd.user}@${sshd.address}`
  const ways: Readonly<Record<string, () => Promise<number>>> = {
    scp: () => timed('scp', [...options, '-q', '-r', '-P', String(port), `${at}:${path}`, into('scp')]),
    sftp: () => timed('sftp', [...options, '-q', '-r', '-P', String(port), `${at}:${path}`, into('sftp')]),
    rsync: () =>
      timed('rsync', ['-a', '-e', ['ssh', ...options, '-p', String(port)].join(' '), `${at}:${path}`, into('rsync')]),
  }
  const seconds: Record<string, number> = {}
  for (const [name, run] of Object.entries(ways)) if (hasProgram(name)) seconds[name] = await run()
  return seconds
}
