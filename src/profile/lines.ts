import type { Profile } from './schema.ts'
import { staleFacts } from './staleness.ts'
import { survivalText } from './tiers.ts'

/** A profile as lines for `kx profile show`: the eight sections in their fixed order, then what is stale. */
export function profileLines(profile: Profile, nowMs: number): string[] {
  const { billing, spot, interruption, daemon, park } = profile
  const lines = [
    `${profile.title} (${profile.platform}, ${profile.kind}), verified ${profile.verified}`,
    '',
    '1 Launch',
    `  ${profile.launch.path}`,
    ...profile.launch.steps.map((s) => `  - ${s}`),
    `  start script runs again at each start: ${yesNo(profile.launch.startScriptReruns)}`,
    '',
    '2 Storage                          reboot / stop / destroy',
    ...profile.storage.tiers.flatMap((t) => [
      `  ${t.id} (${t.purpose}) ${t.path}`,
      `    ${[t.survives.reboot, t.survives.stop, t.survives.destroy].map(survivalText).join(' / ')}`,
      ...(t.note === undefined ? [] : [`    ${t.note}`]),
    ]),
    `  inode cap: ${profile.inodeCap}; local NVMe: ${profile.localNvme}; egress: ${profile.egress}`,
    '',
    '3 Network',
    `  ssh: ${profile.network.ssh.join(', ')}; user: ${profile.network.user ?? 'none'}; ports may change: ${yesNo(profile.network.portsMayChange)}`,
    ...profile.network.notes.map((n) => `  - ${n}`),
    '',
    '4 Spot, interruption, resume',
    `  spot: ${spot.available ? 'yes' : 'no'}; notice: ${interruption.notice}; grace: ${spot.graceSeconds === null ? 'not applicable' : `${spot.graceSeconds} s`}`,
    ...interruption.notes.map((n) => `  - ${n}`),
    '',
    '5 Teardown and billing',
    `  price: ${priceText(profile)} (${billing.priceSource}; verified ${billing.verified})`,
    ...billing.verbs.flatMap((v) => [
      `  ${v.verb}${v.isReversible ? '' : ' (cannot be undone)'}`,
      `    stops: ${v.stops}`,
      `    still bills: ${v.stillBills}`,
      `    dies: ${v.dies}`,
      `    by ${v.by}: ${v.how}`,
    ]),
    `  gone is proven by: ${billing.absenceProof}`,
    `  park: ${park.verb ?? 'none'}; ${park.note}`,
    '',
    '6 Daemon tool',
    `  ${profile.detach.join(', ')}; survives a dropped link: ${yesNo(daemon.survivesDisconnect)}; survives a reboot: ${yesNo(daemon.survivesReboot)}`,
    `  ${daemon.note}`,
    '',
    '7 Gotchas',
    ...profile.gotchas.flatMap((g) => [`  ${g.id} ${g.symptom}`, `    why: ${g.cause}`, `    do: ${g.fix}`]),
    '',
    '8 Script overrides',
    ...Object.entries(profile.overrides).map(([k, v]) => `  ${k}=${v}`),
    '',
    'Tell the user',
    ...profile.conveniences.map((c) => `  + ${c}`),
    ...(profile.dangerClocks.length === 0
      ? ['  no danger clocks']
      : profile.dangerClocks.map(
          (c) => `  ! ${c.what}${c.afterHours === null ? '' : ` after ${c.afterHours} h`}: ${c.consequence}`,
        )),
  ]
  const stale = staleFacts(profile, nowMs)
  if (stale.length > 0)
    lines.push('', 'Stale', ...stale.map((s) => `  ${s.path}: verified ${s.verified}, ${s.months} months ago`))
  return lines
}

/** The hourly price in words; not known is not zero. */
export function priceText(profile: Profile): string {
  const { usdPerHour } = profile.billing
  if (usdPerHour === null) return 'not known from the profile'
  return usdPerHour === 0 ? 'no charge by the hour' : `$${usdPerHour}/h`
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no')
