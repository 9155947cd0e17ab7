import { basename, dirname, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { hasEnded as isOver } from '../walk/end.ts'
import { allCommands } from './list/all.ts'
import { openForWriting } from './open.ts'
import type { CommandEnvironment } from './types.ts'

interface Step {
  readonly commandId: string
  /** Kind of proof that makes the step unnecessary while it is fresh. */
  readonly proof: 'PlanDigest' | 'AuditReport' | 'SmokeProof' | 'PricedPlan' | 'Approval' | 'Receipt'
}

const steps: readonly Step[] = [
  { commandId: 'plan.check', proof: 'PlanDigest' },
  { commandId: 'audit.run', proof: 'AuditReport' },
  { commandId: 'smoke.run', proof: 'SmokeProof' },
  { commandId: 'cost.price', proof: 'PricedPlan' },
  { commandId: 'cost.approve', proof: 'Approval' },
  { commandId: 'launch.start', proof: 'Receipt' },
]

async function isFresh(env: CommandEnvironment, step: Step): Promise<boolean> {
  const { currentRunId } = await import('../session/current-run.ts')
  if (env.runId === null && currentRunId(env.projectFolder, Date.now()) === null) return false
  const [{ standing }, run] = await Promise.all([import('./standing.ts'), openForWriting(env, env.runId)])
  try {
    return (await standing(env, run.state())).isFresh(step.proof)
  } finally {
    await run.close()
  }
}

/** True when the outcome of the newest launch is on record, whoever wrote it. */
async function hasEnded(env: CommandEnvironment): Promise<boolean> {
  const run = await openForWriting(env, env.runId)
  try {
    const state = run.state()
    if (state.fleet !== undefined) return isOver(state, () => true)
    const { Receipt: receipt, Outcome: outcome } = state.latest
    return receipt !== undefined && outcome?.needs.includes(receipt.id) === true
  } finally {
    await run.close()
  }
}

/** A walk that leaves at a finding leaves the run as it is: what is to be done with it is said. */
function withNext(result: ActResult, isOver: boolean): ActResult {
  const next = isOver
    ? 'The run has ended. kx launch goes on with what is not finished; kx teardown verify pulls what is there.'
    : 'The run goes on by itself. kx patrol looks again, kx abort stops it; when it has ended: kx teardown verify.'
  return { ...result, lines: [...(result.lines ?? []), next], data: { ...(result.data as object), next } }
}

/** A host that is seen dead gives its units to the others, and they are started: true when there was one, and it went well. */
async function giveBackDead(
  env: CommandEnvironment,
  done: { step: string; summary: string; exitCode: number }[],
): Promise<boolean> {
  const run = await openForWriting(env, env.runId)
  const state = run.state()
  await run.close()
  const { endedWithUnits } = await import('../launch/shares.ts')
  const dead = endedWithUnits(state)
  for (const host of dead) {
    const given = await runStep(env, 'fleet.give-back', { host })
    done.push({ step: `fleet.give-back ${host}`, summary: given.summary, exitCode: given.exitCode })
    if (given.exitCode !== 0) return false
  }
  if (dead.length === 0) return false
  const launched = await runStep(env, 'launch.start')
  done.push({ step: 'launch.start', summary: launched.summary, exitCode: launched.exitCode })
  return launched.exitCode === 0
}

async function runStep(
  env: CommandEnvironment,
  commandId: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<ActResult> {
  const spec = allCommands().get(commandId)
  if (spec?.run === undefined) throw new Error(`no command ${commandId}`)
  env.progress({ text: `${spec.title} …`, commandId })
  const result = await spec.run(env, spec.args.parse(args))
  env.progress({ text: `${spec.title}: ${result.summary}`, result: result.data })
  failpoint('walk.between-steps')
  return result
}

/** The folder of a plan file is its project, wherever kx was started. */
function atPlan(env: CommandEnvironment, plan: string): CommandEnvironment {
  const file = resolve(env.projectFolder, plan)
  return { ...env, projectFolder: dirname(file), settings: { ...env.settings, planFile: basename(file) } }
}

/** `kx walk`: every phase in order, fresh proofs skipped, up to a gate that only a person may pass. */
export async function walkAuto(
  surface: CommandEnvironment,
  args: { readonly plan?: string | undefined },
): Promise<ActResult> {
  const env = args.plan === undefined ? surface : atPlan(surface, args.plan)
  const done: { step: string; summary: string; exitCode: number }[] = []
  const stop = (step: string, result: ActResult): ActResult => ({
    ...result,
    summary: `stopped at ${step}: ${result.summary}`,
    data: { steps: done, stoppedAt: step, result: result.data },
  })
  for (const step of steps) {
    env.signal.throwIfAborted()
    if (await isFresh(env, step)) {
      done.push({ step: step.commandId, summary: 'still fresh, skipped', exitCode: 0 })
      continue
    }
    const result = await runStep(env, step.commandId)
    done.push({ step: step.commandId, summary: result.summary, exitCode: result.exitCode })
    if (result.exitCode !== 0) return stop(step.commandId, result)
  }
  // The run goes on by itself; the walk only watches, one bounded look at a time, until the outcome is on record.
  for (;;) {
    env.signal.throwIfAborted()
    // Quiet, as the workbench looks: a walk that watches for a night would leave a cell every two seconds.
    const look = await runStep({ ...env, via: 'auto' }, 'patrol.tick')
    if (look.exitCode === 1 && (await giveBackDead(env, done))) continue
    if (look.exitCode !== 0) return withNext(stop('patrol.tick', look), await hasEnded(env))
    if (await hasEnded(env)) {
      done.push({ step: 'patrol.tick', summary: look.summary, exitCode: look.exitCode })
      break
    }
    await wait(2000, undefined, { signal: env.signal })
  }
  for (const commandId of ['teardown.verify', 'report.write']) {
    const result = await runStep(env, commandId)
    done.push({ step: commandId, summary: result.summary, exitCode: result.exitCode })
    if (result.exitCode !== 0) return stop(commandId, result)
  }
  return {
    summary:
      'every artifact is verified and the report is written; removing the box folder is left to a person (kx teardown remove)',
    exitCode: 3,
    data: { steps: done, stoppedAt: 'teardown.remove' },
  }
}
