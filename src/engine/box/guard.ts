import type { Host } from '../../host/types.ts'
import { boxScripts } from './assets.ts'

/**
 * Ends the guard of a folder that is about to be removed, and sees it gone: it would write while files go. By start time
 * and boot id, never by name. True: none is alive there; null: the host did not say.
 */
export async function dismissGuard(host: Host, folder: string): Promise<boolean | null> {
  const { dismiss } = await boxScripts()
  const ran = await host.script(dismiss, [folder], { timeoutSeconds: 30 })
  if (ran.ending.kind !== 'exited') return null
  return ran.ending.code === 0 ? true : ran.ending.code === 1 ? false : null
}
