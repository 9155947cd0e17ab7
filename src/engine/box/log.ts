import type { Host } from '../../host/types.ts'
import { slugPattern } from '../../spec/schema.ts'
import type { BoxHandle } from '../types.ts'

/** Where the log of a unit lies on its host; null for what is no unit. */
export function unitLogPath({ folder }: BoxHandle, unit: string): string | null {
  // A unit id is a folder name here: anything else could point outside the run.
  return slugPattern.test(unit) ? `${folder}/units/${unit}/log` : null
}

/** Bytes of one unit's log from an offset, and its size now. The end of the bytes says nothing about the unit. */
export async function boxLog(
  host: Host,
  handle: BoxHandle,
  unit: string,
  offset: number,
  length: number,
): Promise<{ readonly bytes: Uint8Array | null; readonly size: number | null }> {
  const path = unitLogPath(handle, unit)
  if (path === null) return { bytes: null, size: null }
  const found = await host.stat(path)
  if (found === null || found.kind !== 'file') return { bytes: null, size: null }
  return { bytes: await host.read(path, offset, length), size: found.bytes }
}
