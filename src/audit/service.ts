import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { machineClassOf } from '../host/probe/machine-class.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { hostIdentityText, isSameMachine } from '../walk/graph.ts'
import { type CheckedItem, isBlocking } from '../walk/item.ts'
import { carryOverrides } from '../walk/overrides.ts'
import type { Proof } from '../walk/proof.ts'
import { auditLifetimeMs } from '../walk/staleness.ts'
import { askInterpreter } from './interpreter.ts'
import { accessItems } from './items/access.ts'
import { machineItems } from './items/machine.ts'
import { projectItems } from './items/project.ts'
import { reachItems } from './items/reach.ts'
import { storageItems } from './items/storage.ts'
import { type AuditItem, type Look, type Looked, startLook } from './look.ts'
import { recipeByItem } from './recipes.ts'
import { unsure } from './rules/verdict.ts'
import type { AuditPayload } from './types.ts'

const gateOrder = ['audit/reach', 'audit/box', 'audit/access']

/** Every item of the audit, in the order of the screen: gates first to last. */
export const auditItems: readonly AuditItem[] = [
  ...reachItems,
  ...storageItems,
  ...machineItems,
  ...accessItems,
  ...projectItems,
].sort((a, b) => gateOrder.indexOf(a.spec.gate) - gateOrder.indexOf(b.spec.gate))

/** Ids of the audit's items. */
export const auditItemIds: readonly string[] = auditItems.map((item) => item.spec.id)

const defaultTimeoutSeconds = 20
const atOnce = 4

export interface AuditOptions {
  /** Ids of items to look at again; the rest stays as the last report of this host has it. */
  readonly only?: readonly string[]
}

/**
 * Looks at every item of the audit on the host and appends an `AuditReport`. An item that fails to answer is unknown and
 * sinks no other. The report holds for a day (architecture 1). Exit code: 1 when an error item failed, 4 when one is
 * unknown and none failed, else 0; overrides that were given count.
 */
export async function audit(ctx: ActContext, options: AuditOptions = {}): Promise<ActResult> {
  const wanted = options.only === undefined ? auditItems : pick(options.only)
  const began = ctx.clock.monotonicMs()
  const look = await startLook(ctx, askInterpreter)
  const before = previousReport(ctx, look)
  if (options.only !== undefined && before === null && wanted.length < auditItems.length)
    ctx.cell.say('There is no report of this host for this plan yet: the whole audit is run.')
  const items = options.only === undefined || before === null ? auditItems : wanted

  const checked = await lookAtAll(ctx, look, items)
  // A look that was given up says nothing of the machine: the report before it, if any, still stands.
  ctx.signal.throwIfAborted()
  const isPartial = before !== null && items !== auditItems
  const { probe } = await look.probe()
  const machineClass = machineClassOf(probe, look.plan.resources.compute)
  const atMs = ctx.clock.nowMs()
  const about = {
    kind: 'AuditReport',
    host: look.identity,
    machineClass,
    boundTo: {
      ...(ctx.loaded.digests.plan === undefined ? {} : { plan: ctx.loaded.digests.plan }),
      host: hostIdentityText(look.identity),
    },
  } as const
  const merged = carryOverrides(isPartial ? merge(before.items, checked) : checked, about, ctx.run.state().proofs)
  const needs = ctx.run.state().latest.PlanDigest
  const proof: Proof<AuditPayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'audit',
    atMs,
    // A partial look does not make the rest any younger.
    expiresAtMs: isPartial ? (before?.expiresAtMs ?? atMs) : atMs + auditLifetimeMs,
    needs: needs === undefined ? [] : [needs.id],
    items: merged,
    payload: {
      machineClass,
      tiers: look.tiers.map((each) => ({ id: each.tier.id, path: each.path })),
      seconds: (ctx.clock.monotonicMs() - began) / 1000,
      counts: countOf(merged),
      only: isPartial ? items.map((item) => item.spec.id) : null,
    },
  }
  failpoint('audit.before-proof')
  await ctx.run.append('proof.made', proof)
  failpoint('audit.after-proof')

  const blocking = merged.filter(isBlocking)
  const failed = blocking.filter((item) => item.result === 'fail')
  const { counts } = proof.payload
  const figures = `${counts.pass} pass, ${counts.fail} fail, ${counts.unknown} unknown, ${counts.notApplicable} not applicable`
  return {
    proof,
    summary:
      blocking.length === 0
        ? `audit of ${look.host.name}: ${figures}`
        : `audit of ${look.host.name}: ${plural(blocking.length, 'item')} block: ${blocking.map((item) => item.id).join(', ')} (${figures})`,
    exitCode: failed.length > 0 ? 1 : blocking.length > 0 ? 4 : 0,
    data: {
      proofId: proof.id,
      host: look.identity,
      machineClass,
      counts,
      blocking: blocking.map((item) => item.id),
      items: merged,
    },
  }
}

function pick(ids: readonly string[]): readonly AuditItem[] {
  const missing = ids.filter((id) => !auditItemIds.includes(id))
  if (missing.length > 0)
    throw new TypeError(`There is no audit item ${missing.join(', ')}. Items: ${auditItemIds.join(', ')}`)
  return auditItems.filter((item) => ids.includes(item.spec.id))
}

/** The report that a partial look may be merged into: same plan, same machine, still young. */
function previousReport(ctx: ActContext, look: Look): Proof | null {
  const found = ctx.run
    .state()
    .proofs.findLast((proof) => proof.kind === 'AuditReport' && proof.host?.host === look.host.name)
  if (found?.host === undefined || !isSameMachine(found.host, look.identity)) return null
  if (found.boundTo.plan !== ctx.loaded.digests.plan) return null
  return found.expiresAtMs !== undefined && found.expiresAtMs > ctx.clock.nowMs() ? found : null
}

function merge(old: readonly CheckedItem[], fresh: readonly CheckedItem[]): readonly CheckedItem[] {
  const byId = new Map([...old, ...fresh].map((item) => [item.id, item]))
  return auditItemIds.flatMap((id) => byId.get(id) ?? [])
}

async function lookAtAll(ctx: ActContext, look: Look, items: readonly AuditItem[]): Promise<readonly CheckedItem[]> {
  const checked = new Map<string, CheckedItem>()
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const found = await lookAt(ctx, look, item)
      checked.set(found.id, found)
      ctx.cell.say(`${found.result.padEnd(14)} ${found.id}  ${found.evidence.summary}`)
      ctx.progress({ text: found.title, done: checked.size, total: items.length, item: found })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return items.flatMap((item) => checked.get(item.spec.id) ?? [])
}

async function lookAt(ctx: ActContext, look: Look, item: AuditItem): Promise<CheckedItem> {
  const found = await bounded(ctx, look, item)
  const { result, reason, severity, summary, value, detail, fix, command, exitCode } = found
  const lines = detail?.map((line) => sanitiseLine(line))
  const recipe = result === 'fail' || result === 'unknown' ? recipeByItem[item.spec.id] : undefined
  const spoken = JSON.stringify([summary, value ?? null, lines ?? []], (_, each) =>
    typeof each === 'bigint' ? String(each) : each,
  )
  return {
    ...item.spec,
    ...(severity === undefined ? {} : { severity }),
    ...(fix === undefined ? {} : { fix }),
    result,
    ...(reason === undefined ? {} : { reason: sanitiseLine(reason) }),
    ...(recipe === undefined ? {} : { recipe }),
    evidence: {
      summary: sanitiseLine(summary, 400),
      host: look.host.name,
      atMs: ctx.clock.nowMs(),
      outputSha256: found.outputSha256 ?? createHash('sha256').update(spoken).digest('hex'),
      ...(command === undefined ? {} : { command: sanitiseLine(command) }),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(value === undefined ? {} : { value }),
      ...(lines === undefined ? {} : { detail: lines }),
    },
  }
}

/** One item, with its deadline. What it throws is an answer too: unknown, with the message. */
async function bounded(ctx: ActContext, look: Look, item: AuditItem): Promise<Looked> {
  const seconds = item.timeoutSeconds ?? defaultTimeoutSeconds
  const timer = new AbortController()
  try {
    return await Promise.race([
      (async () => item.look(look))(),
      sleep(seconds * 1000, undefined, { signal: timer.signal }).then(() => unsure(`no answer within ${seconds} s`)),
    ])
  } catch (error) {
    if (ctx.signal.aborted) return unsure('given up')
    return unsure(messageOf(error))
  } finally {
    timer.abort()
  }
}

function countOf(items: readonly CheckedItem[]): AuditPayload['counts'] {
  const count = (result: CheckedItem['result']) => items.filter((item) => item.result === result).length
  return { pass: count('pass'), fail: count('fail'), unknown: count('unknown'), notApplicable: count('not-applicable') }
}
