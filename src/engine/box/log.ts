import type { Host } from '../../host/types.ts'
import { slugPattern } from '../../spec/schema.ts'
import type { BoxHandle } from '../types.ts'

/** Bytes of one unit's log from an offset, and its size now. The end of the bytes says nothing about the unit. */
export async function boxLog(
  host: Host,
  handle: BoxHandle,
  unit: string,
  offset: number,
  length: number,
): Promise<{ readonly bytes: Uint8Array | null; readonly size: number | null }> {
  // A unit id is a folder name here: anything else could point outside the run.
  if (!slugPattern.test(unit)) return { bytes: null, size: null }
  const path = `${handle.folder}/units/${unit}/log`
  const found = await host.stat(path)
  if (found === null || found.kind !== 'file') return { bytes: null, size: null }
  return { bytes: await host.read(path, offset, length), size: found.bytes }
}
