import type { Columns } from '../reader/columns.ts'
import type { Facts } from '../reader/types.ts'
import { formatBytes, formatUsd, plural } from '../text/format.ts'
import { shellJoin } from '../text/shell.ts'
import type { Finding } from './findings/types.ts'
import { flatten, valueText } from './flatten.ts'
import type { CompareModel } from './model.ts'
import { isNamed, seedKeys } from './noise.ts'
import type { LoadedRun } from './run.ts'
import { standardDeviation } from './statistics/samples.ts'
import { figureText } from './words.ts'

/** What nobody wrote down. Never left out: a report without a line reads as if there were nothing to say. */
export const unknown = 'unknown'

type WholeRun = LoadedRun & { readonly columns: Columns; readonly root?: string }

/** Something to do, and what it costs in money. */
export interface NextAction {
  readonly what: string
  readonly usd: number | typeof unknown
  /** What the cost rests on. */
  readonly why: string
}

/** What a run is, by name; `unknown` where nobody wrote it down. */
export function identityOf({ columns, format, path, name, root }: WholeRun): Record<string, string> {
  const { known } = columns
  const walk = known.walk ?? {}
  const isDirty = known.isDirty ?? walk.isDirty
  const seeds = [...flatten(columns.settings.values()).values()].filter((leaf) => isNamed(leaf.path, seedKeys))
  const or = (value: string | number | undefined) => (value === undefined || value === '' ? unknown : String(value))
  const gpus = known.gpuCount === undefined ? '' : ` x${known.gpuCount}`
  return {
    run: known.id ?? known.name ?? name,
    name: known.name ?? name,
    'written by': format,
    path: root === undefined ? path : path === '.' ? root : `${root}/${path}`,
    state: known.state ?? unknown,
    commit: or(known.commit ?? walk.commit),
    'uncommitted changes': isDirty === undefined ? unknown : isDirty ? (known.diffSha256 ?? 'yes') : 'none',
    script: or(known.scriptSha256),
    code: or(known.codeSha256),
    data: or(known.dataSha256),
    gpu: known.gpu === undefined ? unknown : `${known.gpu}${gpus}`,
    driver: or(known.driver),
    cuda: or(known.cuda),
    python: or(known.python),
    host: or(known.host),
    machine: or(walk.machineClass),
    image: or(walk.image),
    seed:
      seeds.length === 0 ? unknown : seeds.map((leaf) => `${leaf.path.join('.')} ${valueText(leaf.value)}`).join(', '),
    'approved by': or(walk.approvedBy),
  }
}

/** Plan against actual, in words. */
export function spentOf({ columns }: WholeRun): Record<string, string> {
  const { startedAtMs, endedAtMs, usd, walk = {} } = columns.known
  const steps = columns
    .all()
    .reduce((most, column) => column.steps.reduce((a, b) => (b > a ? b : a), most), Number.NEGATIVE_INFINITY)
  const wall = startedAtMs === undefined || endedAtMs === undefined ? undefined : (endedAtMs - startedAtMs) / 1000
  const seconds = walk.elapsedSeconds ?? wall
  const or = (value: number | undefined, text: (value: number) => string) =>
    value === undefined ? unknown : text(value)
  const whole = (value: number) => String(Math.round(value))
  const share = (actual: number | undefined, planned: number | undefined) =>
    actual === undefined || planned === undefined || planned <= 0
      ? ''
      : ` (${whole((actual / planned) * 100)} % of the plan)`
  return {
    'seconds, planned': or(walk.plannedSeconds, whole),
    seconds: or(seconds, (value) => `${whole(value)}${share(value, walk.plannedSeconds)}`),
    'USD, planned': or(walk.plannedUsd, (value) => value.toFixed(2)),
    USD: or(usd, (value) => `${value.toFixed(2)}${share(value, walk.plannedUsd)}`),
    'USD, cap': or(walk.capUsd, (value) => value.toFixed(2)),
    units: walk.units === undefined ? unknown : `${walk.units.done} of ${walk.units.of} done`,
    'last step': Number.isFinite(steps) ? String(steps) : unknown,
    'peak memory': peakText(columns.known),
    utilisation: or(
      walk.utilisationShare,
      (value) => `${figureText(value * 100)} % (mean of the cards, by the samples of patrol)`,
    ),
  }
}

function peakText({ walk = {} }: Facts): string {
  const said = [
    walk.peakMemoryBytes === undefined ? [] : [`${formatBytes(walk.peakMemoryBytes)} a unit in the smoke`],
    walk.peakMachineMemoryBytes === undefined ? [] : [`${formatBytes(walk.peakMachineMemoryBytes)} on the machine`],
    walk.peakGpuMemoryBytes === undefined ? [] : [`${formatBytes(walk.peakGpuMemoryBytes)} on a card`],
  ].flat()
  return said.length === 0 ? unknown : said.join(', ')
}

/** How many of the declared artifacts were pulled and proved. */
export function artifactsOf({ walk }: Facts): string {
  return walk?.artifacts === undefined ? unknown : `${walk.artifacts.verified} of ${walk.artifacts.of} verified`
}

/** Fewest repetitions by which a spread says anything (handbook compare 6). */
const fewest = 5

/** How far a figure can be believed, and what that rests on. `isSingle`: more repetitions would say more. */
export function confidenceOf(
  { digest }: WholeRun,
  against: CompareModel | null,
  primary: string | null,
): { readonly text: string; readonly isSingle: boolean } {
  const metric = primary ?? digest.facts.primaryMetric
  const results = Object.entries(metric === undefined ? {} : (digest.metrics[metric]?.results ?? {}))
  const values = results.flatMap(([unit, value]) => (unit === '' ? [] : [value]))
  const judged = against?.judgements.find((each) => each.metric === metric)
  const held = judged === undefined ? '' : `; against the baseline ${metric} is: ${judged.verdict}`
  if (values.length < 2)
    return { text: `low: one run: how much of a figure is the luck of its seed is unknown${held}`, isSingle: true }
  const spread = `${metric} of ${values.length} units spreads by ${figureText(standardDeviation(values))} (standard deviation)`
  return values.length < fewest
    ? { text: `low: ${spread}; fewer than ${fewest} units show little${held}`, isSingle: true }
    : { text: `medium: ${spread}; other seeds of the same units may differ more${held}`, isSingle: false }
}

/** Rules whose next step is another training, and those after which one would go on; the others ask for a look, which costs no machine. */
const reruns: readonly string[] = ['divergence', 'extreme']
const longer: readonly string[] = ['still-improving']

/** What to do next, each with its cost. */
export function nextOf({ columns }: WholeRun, findings: readonly Finding[], isSingle: boolean): readonly NextAction[] {
  const { usd, walk } = columns.known
  const rerun = {
    usd: usd ?? unknown,
    why: usd === undefined ? 'nobody wrote down what this run cost' : 'what this run cost',
  } as const
  const seen = new Set<string>()
  const actions: NextAction[] = []
  for (const { rule, next } of findings) {
    if (seen.has(next)) continue
    seen.add(next)
    if (reruns.includes(rule)) actions.push({ what: next, ...rerun })
    else if (longer.includes(rule)) {
      const rate = walk?.usdPerHour
      const why =
        rate === undefined ? 'for as long as it goes on' : `${formatUsd(rate)} an hour, for as long as it goes on`
      actions.push({ what: next, usd: unknown, why })
    } else actions.push({ what: next, usd: 0, why: 'a look, no machine' })
  }
  if (isSingle && (columns.known.state ?? unknown) === 'finished') {
    const more = fewest - 1
    actions.push({
      what: `Run it again with ${plural(more, 'other seed')}: then a test can tell a difference from luck.`,
      usd: usd === undefined ? unknown : usd * more,
      why: usd === undefined ? rerun.why : `${more} times what this run cost`,
    })
  }
  return actions
}

/** As it was written down: quoted for a shell, never run by kx. */
export function reproduceOf({ columns }: WholeRun): string {
  const { program, args, commit, walk } = columns.known
  const at = commit ?? walk?.commit
  const dirty = (columns.known.isDirty ?? walk?.isDirty) === true ? ', with changes that were not committed' : ''
  const words = program === undefined ? walk?.command : [program, ...(args ?? [])]
  if (words === undefined || words.some((word) => word.includes('\0'))) return unknown
  const what = program === undefined ? 'its first unit; all of it: kx walk --auto; ' : ''
  return `${shellJoin(words)}${at === undefined && what === '' ? '' : ` (${what}${at === undefined ? 'commit unknown' : `at commit ${at}${dirty}`})`}`
}
