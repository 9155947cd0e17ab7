import type { Plan } from '../../spec/schema.ts'
import type { CheckedItem, Severity } from '../../walk/item.ts'
import { fail, notApplicable, pass, unknown, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { itemOf } from './item.ts'

type Check = Plan['configChecks'][number]
type Of<F extends Check['form']> = Extract<Check, { form: F }>

/** Ids whose severity the handbook fixes below that of their form (lifecycle 7). */
const warnings = new Set([
  'dim-stage2-hidden',
  'dim-decoder-hidden',
  'data-workers',
  'feature-conflict',
  'weight-decay',
  'epochs',
  'grad-clip',
  'time-stride',
  'checkpoint-dir',
  'tracking-enabled',
  'tracking-project',
  'tracking-entity',
  'stage-epochs',
  'eval-enabled',
])

/** The checks that a plan brings for its own config files: six forms over the keys that the project uses. */
export function configRules(input: RuleInput): CheckedItem[] {
  return input.plan.configChecks.map((check) => {
    const name = check.id.replace(/^config\./, '')
    const severity: Severity = warnings.has(name) || check.form === 'conflict' ? 'warn' : 'error'
    const spec = { id: `config.${name}`, title: titleOf(check), severity, how: 'auto' as const, fix: fixOf(check) }
    const unread = input.facts.configs.filter((c) => !c.isRead)
    const verdict =
      unread.length > 0
        ? unknown(`${unread[0]?.path} could not be read: ${unread[0]?.reason}`)
        : verdictOf(input, check)
    return itemOf(input, spec, verdict)
  })
}

function verdictOf(input: RuleInput, check: Check): Verdict {
  switch (check.form) {
    case 'set':
      return isSet(input, check)
    case 'equal':
      return isEqual(input, check)
    case 'one-of':
      return isOneOf(input, check)
    case 'range':
      return isInRange(input, check)
    case 'exists':
      return isThere(input, check)
    case 'conflict':
      return hasNoConflict(input, check)
  }
}

function isSet(input: RuleInput, { key }: Of<'set'>): Verdict {
  const value = valueAt(input, key)
  return value === undefined || value === null || value === ''
    ? fail(`${key} is not set`)
    : pass(`${key} = ${shown(value)}`)
}

function isEqual(input: RuleInput, { key, other }: Of<'equal'>): Verdict {
  const a = valueAt(input, key)
  const b = valueAt(input, other)
  if (a === undefined || b === undefined) return fail(`${a === undefined ? key : other} is not set`)
  if (Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b)) return pass(`${key} = ${other} = ${shown(a)}`)
  return fail(`${key} = ${shown(a)} disagrees with ${other} = ${shown(b)}`)
}

function isOneOf(input: RuleInput, { key, values }: Of<'one-of'>): Verdict {
  const value = valueAt(input, key)
  if (value === undefined) return fail(`${key} is not set; allowed: ${values.map(shown).join(', ')}`)
  return values.some((v) => v === value)
    ? pass(`${key} = ${shown(value)}`)
    : fail(`${key} = ${shown(value)}; allowed: ${values.map(shown).join(', ')}`)
}

function isInRange(input: RuleInput, check: Of<'range'>): Verdict {
  const { key, minimum, maximum, recommended } = check
  const value = valueAt(input, key)
  if (value === undefined || value === null)
    return check.optional ? notApplicable(`${key} is not set, which is allowed`) : fail(`${key} is not set`)
  if (typeof value !== 'number' || !Number.isFinite(value)) return fail(`${key} = ${shown(value)} is not a number`)
  const allowed = `allowed ${minimum} … ${maximum}`
  const inner = recommended === undefined ? '' : `, recommended ${recommended[0]} … ${recommended[1]}`
  if (value < minimum || value > maximum) return fail(`${key} = ${value}; ${allowed}${inner}`)
  if (recommended !== undefined && (value < recommended[0] || value > recommended[1]))
    return fail(`${key} = ${value}; ${allowed}${inner}`, { severity: 'warn' })
  return pass(`${key} = ${value}; ${allowed}${inner}`)
}

function isThere(input: RuleInput, { key }: Of<'exists'>): Verdict {
  const value = valueAt(input, key)
  if (typeof value !== 'string' || value === '') return fail(`${key} names no path`)
  if (value.startsWith('/')) return unknown(`${value} is a path of the host: looked at in the audit`)
  return input.facts.existing.has(normalised(value))
    ? pass(`${key}: ${value} is there`)
    : fail(`${key}: ${value} is not there`)
}

function hasNoConflict(input: RuleInput, check: Of<'conflict'>): Verdict {
  const all = check.when.map(({ key, is }) => ({ key, is, found: valueAt(input, key) }))
  const said = all.map(({ key, found }) => `${key} = ${shown(found)}`).join(', ')
  return all.every(({ is, found }) => is === found) ? fail(`${said}: ${check.because}`) : pass(said)
}

/** Value of a dotted key in the first config file that has it; `file.json#a.b` looks in that file only. */
export function valueAt(input: Pick<RuleInput, 'facts'>, key: string): unknown {
  const hash = key.indexOf('#')
  const file = hash > 0 ? key.slice(0, hash) : null
  const parts = (hash > 0 ? key.slice(hash + 1) : key).split('.')
  for (const config of input.facts.configs) {
    if (file !== null && config.path !== file) continue
    let value: unknown = config.value
    for (const part of parts) {
      const isContainer = value !== null && typeof value === 'object' && Object.hasOwn(value, part)
      value = isContainer ? (value as Record<string, unknown>)[part] : undefined
    }
    if (value !== undefined) return value
  }
  return undefined
}

/** A path without a leading `./` and trailing slashes, as the facts hold it. */
export const normalised = (path: string): string => path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')

function titleOf(check: Check): string {
  switch (check.form) {
    case 'set':
      return `${check.key} is set`
    case 'equal':
      return `${check.key} and ${check.other} agree`
    case 'one-of':
      return `${check.key} is one of ${check.values.map(shown).join(', ')}`
    case 'range':
      return `${check.key} lies within ${check.minimum} … ${check.maximum}`
    case 'exists':
      return `What ${check.key} names is there`
    case 'conflict':
      return `${check.when.map((w) => w.key).join(' and ')} do not exclude each other`
  }
}

function fixOf(check: Check): string {
  if (check.form === 'equal') return `Give ${check.key} and ${check.other} the same value.`
  if (check.form === 'conflict') return `Change one of ${check.when.map((w) => w.key).join(', ')}: ${check.because}.`
  if (check.form === 'exists') return `Put the file in place, or correct ${check.key}.`
  return `Correct ${check.key} in the config file.`
}

function shown(value: unknown): string {
  const text =
    value === undefined
      ? 'not set'
      : typeof value === 'string'
        ? `"${value}"`
        : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
