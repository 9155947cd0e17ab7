import type { FarFolder } from '../reader/far/folder.ts'
import { sshSettings } from './host-link.ts'
import { loadSettings } from './open.ts'
import type { Settings } from './types.ts'

interface FarRequest {
  readonly projectFolder: string
  readonly settings: Settings
  readonly signal?: AbortSignal | undefined
}

/**
 * A folder somewhere else: on a host by `host:path`, as scp has it, or in an object store by `s3://bucket/prefix`. Null: there
 * is no such place.
 *
 * @throws HostError, StoreError when it cannot be reached, or is not what it should be
 */
export function openFar(word: string, request: FarRequest): Promise<FarFolder | null> {
  return word.startsWith('s3://') ? openBucket(word, request) : openOnHost(word, request)
}

async function openBucket(word: string, { projectFolder, settings }: FarRequest): Promise<FarFolder | null> {
  const [bucket = '', ...rest] = word.slice('s3://'.length).split('/')
  const prefix = rest.join('/').replace(/\/+$/, '')
  if (!/^[a-z0-9][a-z0-9._-]{1,254}$/i.test(bucket)) throw new Error(`${bucket || 'nothing'} is no name of a bucket`)
  const [{ config }, { s3Reads }, { objectFiles }, { farFolder }] = await Promise.all([
    loadSettings(projectFolder, settings),
    import('../artifact/object/s3.ts'),
    import('../reader/far/object-files.ts'),
    import('../reader/far/folder.ts'),
  ])
  const store = s3Reads({
    bucket,
    endpoint: config.s3.endpoint,
    isPathStyle: config.s3.pathStyle,
    region: config.s3.region,
    profile: config.s3.profile,
  })
  try {
    const folder = await farFolder(objectFiles(store, `s3://${bucket}`, prefix))
    if (folder === null) store.close()
    return folder
  } catch (error) {
    store.close()
    throw error
  }
}

/** The link is one that other acts of this process share, and is given up with the folder. */
async function openOnHost(word: string, request: FarRequest): Promise<FarFolder | null> {
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
