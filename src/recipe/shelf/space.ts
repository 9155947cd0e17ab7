import type { DiskBytes, DiskInodes } from '../../host/probe/df.ts'
import { runProbe } from '../../host/probe/run-probe.ts'
import type { Reading } from '../../host/probe/value.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import type { CellContext } from '../contract.ts'

export interface Space {
  readonly bytes: Reading<DiskBytes>
  readonly inodes: Reading<DiskInodes>
}

/** Bytes and inodes of the file system that a path lies on. */
export async function spaceAt(
  { host, signal }: Pick<CellContext<unknown>, 'host' | 'signal'>,
  path: string,
): Promise<Space> {
  const { probe } = await runProbe(host, { paths: [path], signal, timeoutSeconds: 20 })
  const disk = probe.disks[0]
  const none = { isKnown: false, reason: 'the host gave no answer' } as const
  return { bytes: disk?.bytes ?? none, inodes: disk?.inodes ?? none }
}

export function spaceText({ bytes, inodes }: Space): string {
  const room = bytes.isKnown
    ? `${formatBytes(bytes.value.availableBytes)} of ${formatBytes(bytes.value.totalBytes)} free`
    : `free bytes not known (${bytes.reason})`
  const files = inodes.isKnown
    ? `${formatCount(inodes.value.free)} of ${formatCount(inodes.value.total)} inodes free`
    : `free inodes not known (${inodes.reason})`
  return `${room}, ${files}`
}

/** `+12 MiB, +40 inodes` between two looks; says so where one of them is not known. */
export function gainText(before: Space, after: Space): string {
  const bytes =
    before.bytes.isKnown && after.bytes.isKnown
      ? `${formatBytes(Math.max(0, after.bytes.value.availableBytes - before.bytes.value.availableBytes))} more free`
      : 'bytes gained not known'
  const inodes =
    before.inodes.isKnown && after.inodes.isKnown
      ? `${formatCount(Math.max(0, after.inodes.value.free - before.inodes.value.free))} more inodes free`
      : 'inodes gained not known'
  return `${bytes}, ${inodes}`
}
