import type { WrittenOff } from '../walk/end.ts'
import type { MachineSight, MeterStatement } from '../walk/meter.ts'
import type { RunLiveness } from '../walk/phase.ts'
import { phases } from '../walk/phase.ts'
import { proofKinds } from '../walk/proof.ts'
import type { JournalKind } from './types.ts'

export interface OverrideWithdrawn {
  readonly itemId: string
  readonly by: string
}
export interface FindingClosed {
  readonly findingId: string
  readonly because: string
}
export interface FindingAcknowledged {
  readonly findingId: string
  readonly by: string
}
export interface MeterOpened {
  readonly meterId: string
  readonly what: string
  readonly host: string
  /** Null: not known, which is not zero. */
  readonly usdPerHour: number | null
  readonly leaseUntilMs: number | null
}
export interface MeterClosed {
  readonly meterId: string
  /** How it was seen that it stopped; of one written off, who gave it up and why. */
  readonly because: string
  /** Nobody has seen it stop: a person gave it up in writing. */
  readonly writtenOff?: WrittenOff
}
/** One look at the machine of a meter, from outside. */
export interface MeterSeen {
  readonly meterId: string
  readonly sight: MachineSight
}
/** What a person says of a meter. */
export interface MeterSaid {
  readonly meterId: string
  readonly statement: MeterStatement
}
export interface Note {
  readonly text: string
}

/** What every observation begins with, so that the home screen can show a run without knowing its patrol. */
export interface ObservationHead {
  readonly state: RunLiveness
  readonly unitsDone: number | null
  readonly unitsTotal: number | null
}

type Shape = Readonly<Record<string, 'string' | 'number' | 'array' | 'object' | 'number?' | 'boolean'>>

/** Fields without which a payload means nothing. The writer is kx itself; this guards against edits and bit rot. */
const shapes: Readonly<Record<JournalKind, Shape>> = {
  'run.created': { runId: 'string', project: 'string', projectFolder: 'string', planName: 'string', by: 'string' },
  'run.archived': {},
  'proof.made': {
    id: 'string',
    kind: 'string',
    phase: 'string',
    atMs: 'number',
    boundTo: 'object',
    needs: 'array',
    items: 'array',
  },
  'override.given': { itemId: 'string', reason: 'string', by: 'string', atMs: 'number' },
  'override.withdrawn': { itemId: 'string' },
  'cell.started': { cellId: 'string', name: 'string', title: 'string' },
  'cell.process': { cellId: 'string', host: 'string', pgid: 'number', startTicks: 'number', bootId: 'string' },
  'cell.ended': { cellId: 'string', state: 'string', summary: 'string' },
  'cell.noted': { text: 'string', by: 'string' },
  'cell.marked': { cellId: 'string', isMarked: 'boolean', by: 'string' },
  'intent.opened': { intentId: 'string', act: 'string', token: 'string', host: 'string' },
  'intent.closed': { intentId: 'string', outcome: 'string' },
  observation: {},
  'fleet.set': { hosts: 'array' },
  'units.assigned': { generation: 'number', shares: 'array', why: 'string' },
  'host.observation': { host: 'string', observation: 'object' },
  'finding.opened': { findingId: 'string', rule: 'string', severity: 'string', text: 'string' },
  'finding.closed': { findingId: 'string' },
  'finding.acknowledged': { findingId: 'string', by: 'string' },
  'meter.opened': { meterId: 'string', what: 'string', host: 'string', usdPerHour: 'number?' },
  'meter.closed': { meterId: 'string' },
  'lease.extended': {
    approvalId: 'string',
    token: 'string',
    host: 'string',
    number: 'number',
    untilMs: 'number',
    by: 'string',
  },
  'guard.acted': { host: 'string', token: 'string', number: 'number', event: 'string', boxAtMs: 'number' },
  'meter.seen': { meterId: 'string', sight: 'object' },
  'meter.said': { meterId: 'string', statement: 'object' },
  note: { text: 'string' },
}

/** Made once a kind: a journal of many thousand records is checked record by record. */
const shapeFields = new Map<JournalKind, readonly (readonly [string, Shape[string]])[]>()
function fieldsOf(kind: JournalKind): readonly (readonly [string, Shape[string]])[] {
  let known = shapeFields.get(kind)
  if (known === undefined) {
    known = Object.entries(shapes[kind])
    shapeFields.set(kind, known)
  }
  return known
}

function isShare(value: unknown): boolean {
  const { host, units } = (value ?? {}) as { readonly host?: unknown; readonly units?: unknown }
  return typeof host === 'string' && Array.isArray(units) && units.every((unit) => typeof unit === 'string')
}

export function isJournalKind(kind: string): kind is JournalKind {
  return Object.hasOwn(shapes, kind)
}

/** Why this payload is not what its kind promises; null when it is. */
export function payloadFault(kind: JournalKind, payload: unknown): string | null {
  if (kind === 'observation') return payload === undefined ? 'has no payload' : null
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return 'has no payload'
  const fields = payload as Record<string, unknown>
  for (const [name, type] of fieldsOf(kind)) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    const fits =
      type === 'array'
        ? Array.isArray(value)
        : type === 'object'
          ? typeof value === 'object' && value !== null
          : type === 'number?'
            ? value === null || (typeof value === 'number' && Number.isFinite(value))
            : type === 'number'
              ? typeof value === 'number' && Number.isFinite(value)
              : typeof value === type
    if (!fits) return `has no usable "${name}"`
  }
  if (kind === 'fleet.set' && !(fields.hosts as readonly unknown[]).every((host) => typeof host === 'string'))
    return 'has no usable "hosts"'
  if (kind === 'units.assigned' && !(fields.shares as readonly unknown[]).every(isShare))
    return 'has no usable "shares"'
  if (kind === 'proof.made') {
    if (!(proofKinds as readonly unknown[]).includes(fields.kind)) return `has the unknown proof kind ${fields.kind}`
    if (!(phases as readonly unknown[]).includes(fields.phase)) return `has the unknown phase ${fields.phase}`
  }
  return null
}
