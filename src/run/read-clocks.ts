import { homedir } from 'node:os'
import { clockKey, unreadOf } from '../profile/first-contact.ts'
import type { DangerClock, Profile } from '../profile/schema.ts'
import { openIndex } from './index-file.ts'
import { stateFolderOf } from './state-folder.ts'

type Environment = Readonly<Record<string, string | undefined>>

const indexOf = (env: Environment) => openIndex(stateFolderOf(env, env.HOME ?? homedir()))

/** Danger clocks of a platform that nobody has read on this machine yet. Nothing is read from disk when it has none. */
export function unreadClocks(profile: Profile, env: Environment = process.env): readonly DangerClock[] {
  if (profile.dangerClocks.length === 0) return []
  return unreadOf(profile, indexOf(env).read().acknowledgedClocks)
}

/** Notes that a person has read these clocks. */
export function acknowledgeClocks(
  profile: Profile,
  clocks: readonly DangerClock[],
  by: { readonly who: string; readonly atMs: number },
  env: Environment = process.env,
): void {
  const index = indexOf(env)
  for (const clock of clocks)
    index.acknowledgeClock({ platform: profile.platform, clockId: clockKey(clock), by: by.who, atMs: by.atMs })
}
