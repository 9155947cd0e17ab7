import { formatDuration } from '../text/format.ts'
import { dottedKey } from '../text/problem.ts'
import { shellJoin } from '../text/shell.ts'
import type { LoadedProfile } from './load.ts'
import type { DangerClock, MeterVerb, Profile } from './schema.ts'
import { staleFacts } from './staleness.ts'
import { survivalText } from './tiers.ts'

/** One line of a profile, with the path of the fact that it speaks of; null: a heading, or no single fact. */
export interface ProfileRow {
  readonly text: string
  readonly path: readonly (string | number)[] | null
}

const heading = (text: string): ProfileRow => ({ text, path: null })
const row = (text: string, ...path: (string | number)[]): ProfileRow => ({ text, path })
const list = (mark: string, items: readonly string[], ...path: string[]): ProfileRow[] =>
  items.map((item, i) => row(`  ${mark} ${item}`, ...path, i))

/** A profile as rows for `kx profile show`: the eight sections in their fixed order, then what is stale. */
export function profileRows(profile: Profile, nowMs: number): ProfileRow[] {
  const { launch, network, spot, interruption, daemon } = profile
  const rows = [
    heading(`${profile.title} (${profile.platform}, ${profile.kind}), verified ${profile.verified}`),
    ...(profile.basis === undefined ? [] : [row(`  known from: ${profile.basis}`, 'basis')]),
    heading(''),
    heading('1 Launch'),
    row(`  ${launch.path}`, 'launch', 'path'),
    ...list('-', launch.steps, 'launch', 'steps'),
    ...(launch.environment === undefined ? [] : [row(`  environment: ${launch.environment}`, 'launch', 'environment')]),
    ...(launch.interpreter === undefined ? [] : [row(`  interpreter: ${launch.interpreter}`, 'launch', 'interpreter')]),
    row(
      `  start script runs again at each start: ${yesNo(launch.startScriptReruns)}; CUDA of the host driver up to: ${profile.hostDriverCudaMax ?? 'not known'}`,
      'launch',
      'startScriptReruns',
    ),
    heading(''),
    heading('2 Storage                          reboot / stop / destroy'),
    ...storageRows(profile),
    heading(''),
    heading('3 Network'),
    row(`  ssh: ${network.ssh.join(', ')}`, 'network', 'ssh'),
    row(
      `  user: ${network.user ?? 'none'}${network.address === undefined ? '' : `; address: ${network.address}`}`,
      'network',
      'user',
    ),
    row(`  ports may change: ${yesNo(network.portsMayChange)}`, 'network', 'portsMayChange'),
    row(
      `  variables set at creation reach an SSH login: ${network.environmentReachesSsh}`,
      'network',
      'environmentReachesSsh',
    ),
    ...list('-', network.notes, 'network', 'notes'),
    ...mirrorRows(profile),
    heading(''),
    heading('4 Spot, interruption, resume'),
    row(`  spot: ${spot.available ? 'yes' : 'no'}; ${graceText(spot.graceSeconds)}`, 'spot', 'available'),
    ...(spot.note === undefined ? [] : [row(`  ${spot.note}`, 'spot', 'note')]),
    row(`  notice: ${interruption.notice}`, 'interruption', 'notice'),
    ...list('-', interruption.notes, 'interruption', 'notes'),
    heading(''),
    heading('5 Teardown and billing'),
    ...billingRows(profile),
    heading(''),
    heading('6 Daemon tool'),
    row(`  ${profile.detach.join(', ')}`, 'detach'),
    row(
      `  survives a dropped link: ${yesNo(daemon.survivesDisconnect)}; survives a reboot: ${yesNo(daemon.survivesReboot)}`,
      'daemon',
      'survivesDisconnect',
    ),
    row(`  ${daemon.note}`, 'daemon', 'note'),
    heading(''),
    heading('7 Gotchas'),
    ...profile.gotchas.flatMap((g, i) => [
      row(`  ${g.id} ${g.symptom}`, 'gotchas', i, 'symptom'),
      row(`    why: ${g.cause}`, 'gotchas', i, 'cause'),
      row(`    do: ${g.fix}`, 'gotchas', i, 'fix'),
    ]),
    heading(''),
    heading('8 Script overrides'),
    ...Object.entries(profile.overrides).map(([k, v]) => row(`  ${k}=${v}`, 'overrides', k)),
    heading(''),
    heading('Tell the user'),
    ...list('+', profile.conveniences, 'conveniences'),
    ...(profile.dangerClocks.length === 0
      ? [row('  no danger clocks', 'dangerClocks')]
      : profile.dangerClocks.map((c, i) => row(`  ! ${clockText(c)}`, 'dangerClocks', i))),
  ]
  const stale = staleFacts(profile, nowMs)
  if (stale.length > 0)
    rows.push(
      heading(''),
      heading('Stale'),
      ...stale.map((s) =>
        row(`  ${dottedKey(s.path) || 'profile'}: verified ${s.verified}, ${s.months} months ago`, ...s.path),
      ),
    )
  return rows
}

/** The same as plain lines. */
export function profileLines(profile: Profile, nowMs: number): string[] {
  return profileRows(profile, nowMs).map((each) => each.text)
}

/**
 * Lines of a profile that is made of several files: each line that does not come from the lowest of them says where it was
 * written. `shortName` makes a path short.
 */
export function sourcedLines(loaded: LoadedProfile, nowMs: number, shortName: (file: string) => string): string[] {
  const lowest = loaded.files.at(-1)
  return profileRows(loaded.profile, nowMs).map(({ text, path }) => {
    if (path === null || loaded.files.length < 2) return text
    const place = loaded.placeOf(path)
    return place.file === lowest ? text : `${text}  [${shortName(place.file)}:${place.line}]`
  })
}

function storageRows(profile: Profile): ProfileRow[] {
  const { tiers } = profile.storage
  return [
    ...tiers.flatMap((t, i) => [
      row(`  ${t.id} (${t.purpose}) ${t.path}${t.regionLocked ? ', one region' : ''}`, 'storage', 'tiers', i, 'path'),
      row(
        `    ${[t.survives.reboot, t.survives.stop, t.survives.destroy].map(survivalText).join(' / ')}`,
        'storage',
        'tiers',
        i,
        'survives',
      ),
      ...(t.note === undefined ? [] : [row(`    ${t.note}`, 'storage', 'tiers', i, 'note')]),
    ]),
    row(`  inode cap: ${profile.inodeCap}`, 'inodeCap'),
    row(`  local NVMe: ${profile.localNvme}`, 'localNvme'),
    row(`  egress: ${profile.egress}`, 'egress'),
  ]
}

function mirrorRows({ mirrors, chinaMirrorNeeded }: Profile): ProfileRow[] {
  const needed = row(`  mirrors for China needed: ${chinaMirrorNeeded}`, 'chinaMirrorNeeded')
  if (mirrors === undefined) return [needed]
  return [
    needed,
    row(`  in this order: ${mirrors.order.join('; ')}`, 'mirrors', 'order'),
    ...Object.entries(mirrors.environment).map(([k, v]) => row(`  ${k}=${v}`, 'mirrors', 'environment', k)),
    ...list('-', mirrors.notes, 'mirrors', 'notes'),
  ]
}

function billingRows(profile: Profile): ProfileRow[] {
  const { billing, park } = profile
  const { granularity } = billing
  return [
    row(
      `  price: ${priceText(profile)} (${billing.priceSource}; verified ${billing.verified})${granularity === undefined ? '' : `; billed ${granularity}`}`,
      'billing',
      'usdPerHour',
    ),
    ...billing.rates.map((r, i) =>
      row(
        `  ${r.what}: ${r.amount} ${r.unit}${r.note === undefined ? '' : `, ${r.note}`} (verified ${r.verified})`,
        'billing',
        'rates',
        i,
      ),
    ),
    ...billing.verbs.flatMap((v, i) => verbRows(v, i)),
    row(`  gone is proven by: ${billing.absenceProof}`, 'billing', 'absenceProof'),
    row(`  park: ${park.verb ?? 'none'}${park.isAutomatic ? ', by kx itself' : ''}; ${park.note}`, 'park', 'note'),
  ]
}

function verbRows(v: MeterVerb, i: number): ProfileRow[] {
  const at = (key: string, text: string) => row(text, 'billing', 'verbs', i, key)
  return [
    at('verb', `  ${v.verb}${v.isReversible ? '' : ' (cannot be undone)'}`),
    at('stops', `    stops: ${v.stops}`),
    at('stillBills', `    still bills: ${v.stillBills}`),
    at('dies', `    dies: ${v.dies}`),
    at('how', `    by ${v.by}: ${v.how}`),
    at('onBox', `    from the machine itself: ${onBoxText(v)}`),
    ...(v.steps ?? []).map((step, j) => row(`      ${j + 1}. ${step}`, 'billing', 'verbs', i, 'steps', j)),
    ...(v.warning === undefined ? [] : [at('warning', `    careful: ${v.warning}`)]),
  ]
}

/** What a machine can do to itself of a verb, in words. */
function onBoxText({ onBox }: MeterVerb): string {
  if (onBox === 'never') return 'no'
  if (onBox === 'unknown') return 'not known'
  const condition = onBox.condition === undefined ? '' : `, if ${onBox.condition}`
  return `${onBox.isConfirmed ? 'yes' : 'not confirmed'}: ${shellJoin(onBox.command)}${condition}`
}

/** A danger clock in one line: what, when, and what follows. */
export function clockText(clock: DangerClock): string {
  const seconds = clock.afterSeconds ?? (clock.afterHours === null ? null : clock.afterHours * 3600)
  return `${clock.what}${seconds === null ? '' : ` after ${formatDuration(seconds)}`}: ${clock.consequence}`
}

/** The hourly price in words; not known is not zero. */
export function priceText(profile: Profile): string {
  const { usdPerHour } = profile.billing
  if (usdPerHour === null) return 'not known from the profile'
  return usdPerHour === 0 ? 'no charge by the hour' : `$${usdPerHour}/h`
}

const graceText = (seconds: number | null): string =>
  `grace: ${seconds === null ? 'not applicable' : seconds === 0 ? 'none' : `${seconds} s`}`

const yesNo = (value: boolean | string): string => (typeof value === 'string' ? value : value ? 'yes' : 'no')
