import { createHash } from 'node:crypto'
import { clockText } from './lines.ts'
import type { DangerClock, Profile } from './schema.ts'

/** That a clock was read by a person, as it is kept in the user's state folder. */
export interface ReadClock {
  readonly platform: string
  readonly clockId: string
}

/** Name of a clock with a digest of what it says: one that says something else later has to be read again. */
export function clockKey({ id, what, afterHours, afterSeconds, consequence }: DangerClock): string {
  const said = JSON.stringify([what, afterHours, afterSeconds ?? null, consequence])
  return `${id}@${createHash('sha256').update(said).digest('hex').slice(0, 12)}`
}

/** Danger clocks of a platform that nobody has read on this machine in the words that they have now. */
export function unreadOf(profile: Profile, read: readonly ReadClock[]): readonly DangerClock[] {
  const known = new Set(read.filter((each) => each.platform === profile.platform).map((each) => each.clockId))
  return profile.dangerClocks.filter((clock) => !known.has(clockKey(clock)))
}

/** What a person is shown when a platform is met for the first time (handbook platforms 11). */
export function firstContactLines(profile: Profile, unread: readonly DangerClock[]): string[] {
  const { network, launch } = profile
  return [
    ...profile.conveniences.map((each) => `+ ${each}`),
    ...unread.map((clock) => `! ${clockText(clock)}`),
    ...profile.billing.verbs
      .filter((verb) => verb.ends !== 'nothing' || verb.by === 'nobody')
      .map((verb) => `  ${verb.verb}: still bills ${verb.stillBills}; dies ${verb.dies}`),
    `  ssh: ${network.ssh.join(', ')}; variables set at creation reach an SSH login: ${network.environmentReachesSsh}`,
    `  start script runs again at each start: ${said(launch.startScriptReruns)}`,
  ]
}

const said = (value: boolean | string) => (value === true ? 'yes' : value === false ? 'no' : value)
