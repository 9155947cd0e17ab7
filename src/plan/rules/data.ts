import { formatBytes, formatCount } from '../../text/format.ts'
import type { CheckedItem } from '../../walk/item.ts'
import { fail, notApplicable, pass, unknown, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

/** Where data come from, whether they are what was declared, and what a sample of them shows. */
export function dataRules(input: RuleInput): CheckedItem[] {
  const { plan } = input
  const none = plan.data.length === 0 ? notApplicable('the plan declares no data') : null
  const remote = input.facts.data.every((d) => d.kind === 'remote')
    ? notApplicable('no data on this machine: the audit of the host looks at them')
    : null
  const sampled = input.facts.samples.length === 0 ? notApplicable('no CSV, JSON or JSONL file to sample here') : null
  return [
    item(input, 'plan.data-size', none ?? sizes(input, true)),
    item(input, 'plan.data-sources', none ?? fields(input, ['bytes', 'source'])),
    item(input, 'plan.data-version', none ?? fields(input, ['sha256'])),
    item(input, 'plan.data-provenance', none ?? fields(input, ['source', 'licence'])),
    item(input, 'plan.data-storage', none ?? storage(input)),
    item(input, 'plan.data-retention', retention(input)),
    item(input, 'plan.data-access', access(input)),
    item(input, 'plan.access-control', access(input)),
    item(input, 'data.exists', none ?? remote ?? existence(input)),
    item(input, 'data.download-size', none ?? remote ?? sizes(input, false)),
    item(input, 'data.hash', none ?? remote ?? hashes(input)),
    item(input, 'data.container', none ?? sampled ?? containers(input)),
    item(input, 'data.finite', none ?? sampled ?? finite(input)),
    item(input, 'data.not-constant', none ?? sampled ?? varied(input)),
    item(input, 'data.range', none ?? sampled ?? range(input)),
    item(input, 'data.sample-honest', none ?? sampled ?? coverage(input)),
  ]
}

const nameOf = (d: RuleInput['plan']['data'][number]): string => d.path ?? d.uri ?? ''

function fields({ plan }: RuleInput, names: readonly ('bytes' | 'source' | 'sha256' | 'licence')[]): Verdict {
  const lines = plan.data.flatMap((d) => {
    const missing = names.filter((n) => d[n] === undefined)
    return missing.length === 0 ? [] : [`${nameOf(d)}: no ${missing.join(', no ')}`]
  })
  if (lines.length > 0) return fail(lines[0] ?? '', { detail: lines })
  return pass(`${counted(plan.data.length, 'source')} with ${names.join(' and ')}`, {
    detail: plan.data.map((d) => `${nameOf(d)}: ${names.map((n) => String(d[n])).join(', ')}`),
  })
}

function sizes({ plan, facts }: RuleInput, hasRows: boolean): Verdict {
  const wrong: string[] = []
  const open: string[] = []
  const right: string[] = []
  plan.data.forEach((d, i) => {
    const fact = facts.data[i]
    const name = nameOf(d)
    if (fact?.bytes === undefined || fact.bytes === null) open.push(`${name}: ${fact?.reason ?? 'not seen'}`)
    else if (d.bytes === undefined) open.push(`${name}: ${formatCount(fact.bytes)} bytes here, none declared`)
    else if (d.bytes !== fact.bytes)
      wrong.push(`${name}: ${formatCount(fact.bytes)} bytes here, ${formatCount(d.bytes)} declared`)
    else right.push(`${name}: ${formatBytes(fact.bytes)} in ${counted(fact.files ?? 0, 'file')}`)
    const rows = facts.samples.find((s) => s.name === name)?.totalRows
    if (hasRows && d.rows !== undefined && rows !== null && rows !== undefined && rows !== d.rows)
      wrong.push(`${name}: ${rows} rows here, ${d.rows} declared`)
  })
  const detail = [...wrong, ...open, ...right]
  if (wrong.length > 0) return fail(wrong[0] ?? '', { detail })
  if (open.length > 0) return unknown(open[0] ?? '', { detail })
  return pass(right[0] ?? '', { detail })
}

function storage({ facts }: RuleInput): Verdict {
  const tier = facts.profile.storage.tiers.find((t) => t.purpose === 'data')
  return tier === undefined
    ? fail(`profile ${facts.profile.platform} has no tier for data`)
    : pass(`${tier.id}: ${tier.path}${tier.note === undefined ? '' : ` (${tier.note})`}`)
}

function retention({ plan }: RuleInput): Verdict {
  const { checkpointDays, resultDays } = plan.retention
  const results = resultDays === undefined ? 'results without limit' : `results ${resultDays} days`
  return unknown('a person decides whether this is right', {
    summary: `checkpoints ${checkpointDays} days, ${results}`,
  })
}

function access({ facts }: RuleInput): Verdict {
  if (facts.profile.kind === 'workstation') return notApplicable('own machine: its accounts and file rights decide')
  return unknown('a person has to look at the rights')
}

function existence({ plan, facts }: RuleInput): Verdict {
  const bad = plan.data.flatMap((d, i) => {
    const fact = facts.data[i]
    if (fact === undefined || fact.kind === 'missing' || fact.kind === 'refused')
      return [`${nameOf(d)}: ${fact?.reason ?? 'not seen'}`]
    if (fact.kind !== 'remote' && (fact.bytes ?? 0) === 0) return [`${nameOf(d)}: empty`]
    return []
  })
  if (bad.length > 0) return fail(bad[0] ?? '', { detail: bad })
  const local = facts.data.filter((d) => d.kind !== 'remote').length
  return pass(`${counted(local, 'entry').replace('entrys', 'entries')} here, none empty`)
}

function hashes({ plan, facts }: RuleInput): Verdict {
  const wrong: string[] = []
  const open: string[] = []
  let right = 0
  plan.data.forEach((d, i) => {
    const fact = facts.data[i]
    if (d.sha256 === undefined || fact?.kind === 'remote') return
    if (fact?.sha256 === undefined || fact.sha256 === null)
      open.push(`${nameOf(d)}: ${fact?.reason ?? 'too large to be hashed now'}`)
    else if (fact.sha256 !== d.sha256) wrong.push(`${nameOf(d)}: ${fact.sha256} here, ${d.sha256} declared`)
    else right++
  })
  if (wrong.length > 0) return fail(wrong[0] ?? '', { detail: wrong })
  if (open.length > 0) return unknown(open[0] ?? '', { detail: open })
  if (right === 0) return notApplicable('no hash is declared (see plan.data-version)')
  return pass(`${counted(right, 'hash').replace('hashs', 'hashes')} as declared`)
}

function containers({ facts }: RuleInput): Verdict {
  const bad = facts.samples.filter((s) => s.malformedRows > 0 || s.rows === 0)
  const lines = bad.map(
    (s) => `${s.name}: ${s.rows === 0 ? 'no rows' : `${s.malformedRows} of ${s.rows} rows do not fit`} (${s.format})`,
  )
  if (lines.length > 0) return fail(lines[0] ?? '', { detail: lines })
  return pass(facts.samples.map((s) => `${s.name}: ${s.rows} rows of ${s.format}`).join('; '))
}

function finite({ facts }: RuleInput): Verdict {
  const bad = facts.samples
    .filter((s) => s.nonFinite > 0)
    .map((s) => `${s.name}: ${s.nonFinite} values are NaN or infinite`)
  return bad.length > 0 ? fail(bad[0] ?? '', { detail: bad }) : pass('no NaN, no infinity in what was read')
}

function varied({ facts }: RuleInput): Verdict {
  const numeric = facts.samples.filter((s) => s.numericColumns > 0 && s.rows > 1)
  if (numeric.length === 0) return notApplicable('no numeric columns with more than one row')
  const bad = numeric
    .filter((s) => s.constantColumns === s.numericColumns)
    .map((s) => `${s.name}: every numeric column is constant`)
  if (bad.length > 0) return fail(bad[0] ?? '', { detail: bad })
  const some = numeric.filter((s) => s.constantColumns > 0)
  return pass(
    some.length === 0
      ? 'every numeric column varies'
      : some.map((s) => `${s.name}: ${s.constantColumns} of ${s.numericColumns} columns are constant`).join('; '),
  )
}

function range({ facts }: RuleInput): Verdict {
  const largest = Math.max(...facts.samples.map((s) => s.largestAbsolute ?? 0))
  const summary = `largest absolute value ${Number(largest.toPrecision(4))}`
  return largest > 1e10 ? fail(summary) : pass(summary, { value: { largestAbsolute: largest } })
}

function coverage({ facts }: RuleInput): Verdict {
  const lines = facts.samples.map(
    (s) => `${s.name}: ${s.rows} rows, ${((100 * s.readBytes) / Math.max(1, s.bytes)).toFixed(0)} % of the bytes read`,
  )
  const partial = facts.samples.some((s) => s.readBytes < s.bytes)
  return partial
    ? unknown('not every byte was read: start, middle and end of each file', { summary: lines[0] ?? '', detail: lines })
    : pass(lines[0] ?? '', { detail: lines })
}
