import type { LoadedPlan } from '../../src/run/act.ts'
import { launchedIn } from '../../src/run/launched-plan.ts'
import type { PlanView } from '../../src/session/view.ts'
import { unitDigest } from '../../src/spec/digest.ts'
import { formatBytes } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

const short = (digest: string | undefined) => (digest === undefined ? 'unknown' : digest.slice(0, 12))

function unitsText(loaded: LoadedPlan): string {
  const { units } = loaded.plan
  const n = loaded.units.length
  const how = units.cpcv
    ? `${units.cpcv.groups} groups choose ${units.cpcv.choose}`
    : units.grid
      ? `grid over ${Object.keys(units.grid).join(', ')}`
      : units.seeds
        ? 'seeds'
        : units.range
          ? `range ${units.range.from} to ${units.range.to}`
          : 'list'
  return `${n} (${how}${units.sequential ? ', one after the other' : ''})`
}

/** The plan, read like a page. */
export function planPage(loaded: LoadedPlan): StyledLine[] {
  const p = loaded.plan
  const lines: StyledLine[] = [heading(p.goal), '']
  lines.push(fact('name', p.name), fact('command', p.command.join(' ')), fact('units', unitsText(loaded)))
  lines.push(
    fact(
      'metrics',
      p.metrics
        .map(
          (m) =>
            `${m.primary ? '* ' : ''}${m.name} (${m.direction} is better${m.chance === undefined ? '' : `, chance ${m.chance}`}${m.target === undefined ? '' : `, target ${m.target}`})`,
        )
        .join('; '),
    ),
  )
  lines.push(
    fact(
      'resources',
      `${p.resources.compute}, ${p.resources.workers} worker${p.resources.workers === 1 ? '' : 's'}${p.resources.threadsPerWorker ? `, ${p.resources.threadsPerWorker} thread${p.resources.threadsPerWorker === 1 ? '' : 's'} each` : ''}`,
    ),
  )
  const env = p.environment
  lines.push(
    fact(
      'environment',
      env.kind === 'uv'
        ? `uv, ${env.requirements}`
        : env.kind === 'image'
          ? `image ${env.reference}`
          : `${env.interpreter} of the machine`,
    ),
  )
  for (const d of p.data)
    lines.push(
      fact(
        'data',
        `${d.path ?? d.uri}${d.bytes === undefined ? '' : `, ${formatBytes(d.bytes)}`}${d.sha256 ? `, sha256 ${short(d.sha256)}` : ', no hash'}`,
      ),
    )
  lines.push(
    fact(
      'checkpoints',
      `${p.checkpoints.count} kept, ${formatBytes(p.checkpoints.bytes)} each, scratch ${formatBytes(p.checkpoints.scratchBytes)}`,
    ),
  )
  const rules = [
    p.abort.nan ? 'NaN' : null,
    p.abort.belowChanceAfterUnits ? `below chance after ${p.abort.belowChanceAfterUnits} units` : null,
    p.abort.wallHours ? `${p.abort.wallHours} h` : null,
    p.abort.idleMinutes ? `idle ${p.abort.idleMinutes} min` : null,
    p.abort.costPercent ? `cost ${p.abort.costPercent} %` : null,
  ].filter((r) => r !== null)
  lines.push(fact('abort on', rules.join(', ') || 'nothing'))
  lines.push(
    fact('budget', `$${p.budget.usd.toFixed(2)}, ${p.budget.hours} h${p.deadline ? `, by ${p.deadline}` : ''}`),
  )
  lines.push(fact('hosts', `${p.hosts.join(', ')} (profile ${p.profiles.join(', ')})`))
  if (p.after.length > 0) lines.push(fact('afterwards', p.after.map((s) => s.name).join(', then ')))
  lines.push(fact('secrets', p.secrets.length === 0 ? 'none' : `${p.secrets.join(', ')} (names only)`))
  lines.push('', heading('Must outlive the box'))
  for (const a of p.artifacts)
    lines.push(`  ${a.glob}  at least ${a.minimumCount}, ${formatBytes(a.minimumBytes)} each, ${a.kind}`)
  lines.push('', heading('Digests now'))
  for (const name of ['plan', 'code', 'config', 'data'] as const) lines.push(fact(name, short(loaded.digests[name])))
  lines.push(
    fact('code files', `${loaded.code.length}, ${formatBytes(loaded.code.reduce((sum, f) => sum + f.bytes, 0))}`),
  )
  return lines
}

/** Said before anything is checked: what this run was launched with cannot be mixed with other units. */
function otherThanLaunched(input: ScreenInput): StyledLine[] {
  const launched = input.run === null ? null : launchedIn(input.run)
  if (launched === null || launched.unitSha256 === '' || input.plan.status !== 'ok') return []
  if (launched.unitSha256 === unitDigest(input.plan.loaded.plan)) return []
  const text = 'This run was launched with another plan; N begins a new run (kx plan --new-run).'
  return [[{ text, token: 'severity.warn' }], '']
}

function pagePane(plan: PlanView): StyledLine[] {
  switch (plan.status) {
    case 'loading':
      return [[{ text: 'reading the plan …', token: 'text.muted' }]]
    case 'none':
      return [
        `There is no ${plan.file} here.`,
        '',
        'n writes one from a few answers; kx new does the same without a screen.',
      ]
    case 'bad':
      return [
        [{ text: `${plan.file} cannot be used:`, token: 'state.fail' }],
        '',
        ...plan.problems,
        '',
        'e opens it in $EDITOR; it is read again when you come back.',
      ]
    case 'ok':
      return planPage(plan.loaded)
  }
}

export function planModel(input: ScreenInput): ScreenModel {
  const proof = proofOf(input, 'PlanDigest')
  const stale = staleText(input, proof)
  const units = input.plan.status === 'ok' ? input.plan.loaded.units : []
  const next =
    input.plan.status !== 'ok'
      ? ''
      : proof === undefined
        ? 'r checks it'
        : stale !== null
          ? 'r checks it again'
          : `checked ${ageText(input.nowMs - proof.atMs)}; 2 goes on to the audit`
  return {
    id: 'plan',
    title: 'Plan',
    summary: phaseSummary(input, 'plan', next),
    panes: [
      checklistPane(input, 'plan.check', proof, 'not checked yet; r checks the plan'),
      { kind: 'text', id: 'page', title: 'The plan', lines: [...otherThanLaunched(input), ...pagePane(input.plan)] },
      detailPane(input, 'plan.check', proof),
      {
        kind: 'table',
        id: 'units',
        title: 'Units',
        note: `${units.length}`,
        columns: [
          column(0, '#', { width: 5, align: 'right' }),
          column(1, 'unit', { flex: 2, min: 12 }),
          column(2, 'seed', { width: 8, align: 'right' }),
          column(3, 'parameters', { flex: 3, dropOrder: 1 }),
        ],
        rows: units.map((u) => ({
          id: u.id,
          cells: [
            `${u.index}`,
            u.id,
            `${u.seed}`,
            Object.entries(u.parameters)
              .map(([k, v]) => `${k}=${Array.isArray(v) ? v.join('+') : String(v)}`)
              .join(' '),
          ],
        })),
        empty: input.plan.status === 'loading' ? 'reading the plan …' : 'no units: the plan could not be read',
      },
    ],
    columns: [
      {
        weight: 3,
        panes: [
          { id: 'items', weight: 3 },
          { id: 'detail', weight: 2 },
        ],
      },
      {
        weight: 3,
        panes: [
          { id: 'page', weight: 3 },
          { id: 'units', weight: 2 },
        ],
      },
    ],
  }
}
