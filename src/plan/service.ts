import { join } from 'node:path'
import { createLocalHost } from '../host/local.ts'
import { type Environment, resolveTierPath } from '../profile/tiers.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { launchedIn } from '../run/launched-plan.ts'
import { unitCommand } from '../spec/command.ts'
import { unitDigest } from '../spec/digest.ts'
import { effectiveWorkers } from '../spec/units.ts'
import { formatProblem } from '../text/problem.ts'
import { isBlocking } from '../walk/item.ts'
import { carryOverrides } from '../walk/overrides.ts'
import type { Proof } from '../walk/proof.ts'
import { gatherFacts } from './facts.ts'
import { loadPlan } from './load.ts'
import { launchedItems } from './rules/launched.ts'
import { planRules } from './rules.ts'
import type { PlanPayload } from './types.ts'

/** File that remembers hashes of large inputs between starts; null when no home is known. */
export function hashCacheFile(env: Environment = process.env): string | null {
  const folder = resolveTierPath({ path: '$XDG_CACHE_HOME/kx' }, env)
  return folder === null ? null : join(folder, 'hashes.json')
}

/**
 * Reads the plan as it lies on disk now, checks every item of the plan gate and appends a `PlanDigest` proof bound to the
 * four digests. Exit code 1 when an error item blocks or the plan does not read; the proof holds what was found either way.
 */
export async function checkPlan(ctx: ActContext): Promise<ActResult> {
  const local = ctx.host.kind === 'local' ? ctx.host : createLocalHost()
  ctx.progress({ text: 'reading plan, code and data' })
  const read = await loadPlan(ctx.loaded.projectFolder, ctx.loaded.file, {
    exec: local.exec,
    cacheFile: hashCacheFile(),
    signal: ctx.signal,
  })
  if (!read.ok) {
    for (const problem of read.problems) ctx.cell.say(formatProblem(problem))
    const first = read.problems[0]
    const more = read.problems.length > 1 ? ` (and ${read.problems.length - 1} more)` : ''
    return {
      summary: `${first === undefined ? 'the plan does not read' : formatProblem(first)}${more}`,
      exitCode: 1,
      data: { problems: read.problems },
    }
  }
  ctx.progress({ text: 'looking at the project' })
  const nowMs = ctx.clock.nowMs()
  const facts = await gatherFacts({
    read,
    profile: ctx.profile,
    host: local,
    env: process.env,
    nowMs,
    signal: ctx.signal,
  })
  const { loaded } = read
  const found = [
    ...planRules({ plan: loaded.plan, units: loaded.units, facts }),
    ...launchedItems(
      { unitSha256: unitDigest(loaded.plan), digests: loaded.digests, nowMs },
      launchedIn(ctx.run.state()),
    ),
  ]
  const about = { kind: 'PlanDigest', boundTo: loaded.digests } as const
  const items = carryOverrides(found, about, ctx.run.state().proofs)
  for (const item of items) ctx.progress({ text: item.title, item })
  const blocking = items.filter(isBlocking)

  const first = loaded.units[0]
  const payload: PlanPayload = {
    name: loaded.plan.name,
    unitCount: loaded.units.length,
    workers: effectiveWorkers(loaded.plan),
    firstUnits: loaded.units.slice(0, 5).map((u) => u.id),
    firstCommand: first === undefined ? [] : unitCommand(loaded.plan, first),
    code: { files: facts.code.paths.length, bytes: facts.code.bytes, source: facts.code.source },
    refused: facts.code.refused,
    data: facts.data.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    git: facts.git === null ? null : { commit: facts.git.commit, isDirty: facts.git.isDirty },
    profile: ctx.profile.platform,
  }
  const proof: Proof<PlanPayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'plan',
    atMs: nowMs,
    needs: [],
    items,
    payload,
  }
  failpoint('plan.before-proof')
  await ctx.run.append('proof.made', proof)
  failpoint('plan.after-proof')
  for (const item of blocking) ctx.cell.say(`${item.result} ${item.id} - ${item.evidence.summary}`)
  const failed = items.filter((i) => i.result === 'fail').length
  const open = items.filter((i) => i.result === 'unknown').length
  const otherPlan = blocking.find((item) => item.id === 'plan.same-as-launched')
  const summary =
    otherPlan !== undefined
      ? otherPlan.evidence.summary
      : blocking.length === 0
        ? `${payload.unitCount} units, ${payload.code.files} files; nothing blocks (${failed} failed, ${open} unknown below error)`
        : `${blocking.length} of ${items.length} items block: ${blocking.map((i) => i.id).join(', ')}`
  ctx.cell.say(summary)
  return { proof, summary, exitCode: blocking.length === 0 ? 0 : 1, data: { items, payload, digests: loaded.digests } }
}
