import type { FarFolder } from '../reader/far/folder.ts'
import { sshSettings } from './host-link.ts'
import type { Settings } from './types.ts'

interface FarRequest {
  readonly projectFolder: string
  readonly settings: Settings
  readonly signal?: AbortSignal | undefined
}

/**
 * A folder on a host, by `host:path` as scp has it. The link is one that other acts of this process share, and is given up
 * with the folder. Null: there is no such place there.
 *
 * @throws HostError when the host cannot be reached, or is not the machine that it should be
 */
export async function openFar(word: string, request: FarRequest): Promise<FarFolder | null> {
  const colon = word.indexOf(':')
  const [name, path] = [word.slice(0, colon), word.slice(colon + 1)]
  const [{ leaseHost }, { hostFiles }, { farFolder }] = await Promise.all([
    import('../session/hosts.ts'),
    import('../reader/far/host-files.ts'),
    import('../reader/far/folder.ts'),
  ])
  const { signal } = request
  const host = await leaseHost(name, {
    ...(await sshSettings(request)),
    isAttended: true,
    ...(signal === undefined ? {} : { signal }),
  })
  try {
    const folder = await farFolder(hostFiles(host, name, path === '' ? '~' : path))
    if (folder === null) {
      await host.close()
      return null
    }
    return {
      ...folder,
      close: async () => {
        await folder.close()
        await host.close()
      },
    }
  } catch (error) {
    await host.close()
    throw error
  }
}
