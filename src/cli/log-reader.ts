import { open } from 'node:fs/promises'
import { createLogFollower, type LogFollower, type ReadBytes, type ShownLog } from '../session/log-follower.ts'
import type { PlanView } from '../session/view.ts'
import type { SecretSet } from '../text/redact.ts'

export interface LogReader {
  /** Looks at the log of this key; another key than before begins with another log. `secrets`: what must not be seen in it. */
  look(key: string, read: ReadBytes, secrets: () => Promise<SecretSet | null>): Promise<ShownLog>
}

/** Keeps the follower of the one log that a pane shows. */
export function logReader(): LogReader {
  let current: { readonly key: string; readonly follower: LogFollower } | null = null
  return {
    look: async (key, read, secrets) => {
      if (current?.key !== key) {
        const known = await secrets()
        // Another look may have begun it meanwhile.
        if (current?.key !== key) current = { key, follower: createLogFollower(known) }
      }
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

/** The values that must not be seen in a log of this plan, collected when a log is first looked at. */
export const secretsOf = (plan: PlanView) => async (): Promise<SecretSet> =>
  (await import('../commands/known-secrets.ts')).knownSecrets(plan.status === 'ok' ? plan.loaded.plan.secrets : [])
