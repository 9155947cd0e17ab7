import type { Host } from '../../host/types.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import type { BoxHandle, Engine } from '../types.ts'
import { boxScripts, runnerName } from './assets.ts'
import { lookAt } from './look.ts'

const decoder = new TextDecoder()

/**
 * Asks the box who runs, or ran, in this folder under this token. Used before any second submit: a reply that was lost
 * is no reason to start twice. A folder that is not there, or holds neither runner nor a start under way, is `none`. A start
 * whose shell is gone (kx killed beside it, the machine begun anew) is given up on the box, so that the answer is certain.
 */
export const findInBox = (host: Host, folder: string, token: string): ReturnType<Engine['find']> =>
  findIn(host, folder, token, false)

async function findIn(host: Host, folder: string, token: string, wasGivenUp: boolean): ReturnType<Engine['find']> {
  const seen = await lookAt(host, folder)
  if (seen.kind === 'unreachable') return { kind: 'unknown', reason: `${host.name} did not say: ${seen.reason}` }
  const { look } = seen
  if (look.isMissing) return { kind: 'none' }
  if (!look.isWhole && look.runner === null) return { kind: 'unknown', reason: 'the answer was cut off' }
  if (look.runner === null && look.startingToken === token) {
    if (look.isStarterAlive === false && !wasGivenUp) {
      const { giveUp } = await boxScripts()
      await host.script(giveUp, [folder, token], { timeoutSeconds: 30 })
      // A runner that was in time has written who it is by now, and one that was not leaves.
      return findIn(host, folder, token, true)
    }
    const how = look.isStarterAlive === true ? 'is under way' : 'was begun'
    return {
      kind: 'unknown',
      reason: `a start with token ${sanitiseLine(token, 80)} ${how} and no runner has written its identity yet`,
    }
  }
  if (look.runner === null) return { kind: 'none' }
  if (look.runner.token !== token) {
    if (look.isAlive === true)
      return {
        kind: 'unknown',
        reason: `another runner (token ${sanitiseLine(look.runner.token, 80)}) is alive in this folder`,
      }
    return { kind: 'none' }
  }
  const { pid, startTicks, bootId } = look.runner
  const how = await howDetached(host, folder, token)
  const { runner } = await boxScripts()
  const handle: BoxHandle = {
    token,
    folder,
    runner: runnerName(runner),
    ...how,
    process: { pid, startTicks, bootId },
  }
  return { kind: 'one', handle }
}

/** start.sh leaves in `detach` how it went; without it setsid is the answer that needs nothing else to be true. */
async function howDetached(host: Host, folder: string, token: string): Promise<Pick<BoxHandle, 'detach' | 'label'>> {
  const bytes = await host.read(`${folder}/detach`, 0, 1024)
  const [way, label = '', forToken] = bytes === null ? [] : decoder.decode(bytes).trim().split(' ')
  if ((way === 'systemd' || way === 'tmux') && forToken === token) return { detach: way, label }
  return { detach: 'setsid', label: '' }
}
