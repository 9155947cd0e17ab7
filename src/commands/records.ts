import type { ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { viewOf } from '../run/host-view.ts'
import type { RunState } from '../run/types.ts'
import { slotOf } from '../walk/graph.ts'
import { type CheckedItem, isBlocking, type Override } from '../walk/item.ts'
import type { Proof } from '../walk/proof.ts'
import { openForWriting } from './open.ts'
import { declined, recordedOn } from './recorded.ts'
import type { CommandEnvironment } from './types.ts'

const refusal = (summary: string, exitCode: 1 | 2 | 3 = 1): ActResult => ({ summary, exitCode, data: null })

type Found = { readonly proof: Proof; readonly item: CheckedItem } | { readonly proof: null; readonly item: null }

/** The newest proof that speaks of the same thing: of the same host, where each has its own. */
const newestLike = (state: RunState, proof: Proof) =>
  state.fleet === undefined ? state.latest[proof.kind] : state.proofs.findLast((each) => slotOf(each) === slotOf(proof))

/** The item in the newest proof that has it; one that stands in the way before one that does not. */
function inNewest(whole: RunState, itemId: string, host: string | undefined): Found {
  const state = host === undefined ? whole : viewOf(whole, host)
  // Of several hosts each has its own: the newest of every one of them, where none is named.
  const all =
    whole.fleet === undefined || host !== undefined
      ? Object.values(state.latest)
      : whole.fleet.hosts.flatMap((name) => Object.values(viewOf(whole, name).latest))
  const latest = [...new Set(all)].sort((a, b) => state.proofs.indexOf(b) - state.proofs.indexOf(a))
  const found = latest.flatMap((proof) =>
    proof.items.filter((item) => item.id === itemId).map((item) => ({ proof, item })),
  )
  return found.find(({ item }) => isBlocking(item)) ?? found[0] ?? { proof: null, item: null }
}

/** A person goes on in spite of an error item, with a written reason that becomes part of the record. */
export async function override(
  env: CommandEnvironment,
  args: {
    readonly item?: string | undefined
    readonly reason?: string | undefined
    readonly host?: string | undefined
  },
): Promise<ActResult> {
  if (args.item === undefined) return refusal('put the cursor on the check to override, or name its id', 2)
  const run = await openForWriting(env, env.runId)
  try {
    const { proof, item } = inNewest(run.state(), args.item, args.host)
    if (proof === null) return refusal(`no item "${args.item}" in this run; its id stands beside every check`)
    const { waivable } = await import('../teardown/items.ts')
    // What proves that nothing is lost has no override; what a person may give up in writing is named one by one.
    if (item.gate.startsWith('teardown/') && !waivable.includes(item.id))
      return refusal(`${item.id} guards a destroying act: it has no override, only a permit`)
    if (item.result === 'pass' || item.result === 'not-applicable')
      return refusal(`${item.id} does not need an override: ${item.result}`)
    const reason = args.reason ?? (await env.ask.text(`Why is it all right to go on in spite of ${item.title}`, ''))
    if (reason === null || reason.trim().length < 3) {
      const none = refusal('an override needs a reason in words', 3)
      // Words that are too short are a slip; a question that was left is an answer.
      return args.reason === undefined ? declined(env, 'item.override', { ...args, item: item.id }, none) : none
    }
    const given: Override = {
      itemId: item.id,
      reason: reason.trim(),
      by: env.who,
      atMs: Date.now(),
      proofId: proof.id,
    }
    // While the reason was being typed another look may have found something else: the reason was not about that.
    return await recordedOn(env, run, 'item.override', { ...args, item: item.id, reason: given.reason }, async () => {
      try {
        await run.append('override.given', given, (now) =>
          newestLike(now, proof)?.id === proof.id ? null : `a newer ${proof.kind} was made meanwhile; look at it first`,
        )
        return { summary: `${item.id} is overridden: ${given.reason}`, exitCode: 0, data: given }
      } catch (error) {
        if (isRunError(error, 'refused')) return refusal(messageOf(error))
        throw error
      }
    })
  } finally {
    await run.close()
  }
}

/** A person has seen a finding, or all that are open of one rule. */
export async function acknowledge(
  env: CommandEnvironment,
  args: { readonly finding?: string | undefined },
): Promise<ActResult> {
  const run = await openForWriting(env, env.runId)
  try {
    const open = run.state().findings.filter((f) => f.closedAtMs === null)
    const named = open.filter((f) => f.findingId === args.finding || f.rule === args.finding)
    const found = args.finding === undefined ? open.filter((f) => f.acknowledgedBy === null).slice(0, 1) : named
    const [first] = found
    if (first === undefined)
      return refusal(open.length === 0 ? 'no finding is open' : 'put the cursor on a finding, or name one or its rule')
    const unseen = found.filter((f) => f.acknowledgedBy === null)
    const summary = found.length === 1 ? `seen: ${first.text}` : `seen: ${found.length} findings of ${first.rule}`
    const result: ActResult = { summary, exitCode: 0, data: { findingIds: found.map((f) => f.findingId) } }
    if (unseen.length === 0) return result
    return await recordedOn(env, run, 'patrol.acknowledge', { finding: args.finding ?? first.findingId }, async () => {
      for (const { findingId } of unseen) await run.append('finding.acknowledged', { findingId, by: env.who })
      return result
    })
  } finally {
    await run.close()
  }
}
