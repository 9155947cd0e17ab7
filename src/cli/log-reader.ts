import { open } from 'node:fs/promises'
import { createLogFollower, type LogFollower, type ReadBytes, type ShownLog } from '../session/log-follower.ts'

export interface LogReader {
  /** Looks at the log of this key; another key than before begins with another log. */
  look(key: string, read: ReadBytes): Promise<ShownLog>
}

/** Keeps the follower of the one log that a pane shows. */
export function logReader(): LogReader {
  let current: { readonly key: string; readonly follower: LogFollower } | null = null
  return {
    look: (key, read) => {
      if (current?.key !== key) current = { key, follower: createLogFollower() }
      return current.follower.look(read)
    },
  }
}

/** Reads from a file of this machine that may not be there. */
export function readBytesOf(path: string): ReadBytes {
  return async (offset, length) => {
    let file: Awaited<ReturnType<typeof open>>
    try {
      file = await open(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { bytes: null, size: null }
      throw error
    }
    try {
      const { size } = await file.stat()
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
      return { bytes: bytes.subarray(0, bytesRead), size }
    } finally {
      await file.close()
    }
  }
}

/** Whether a second look found nothing new. */
export function isSameLog(a: ShownLog, b: ShownLog): boolean {
  return a.buffer === b.buffer && a.version === b.version && a.pending === b.pending
}
