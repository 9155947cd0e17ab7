import { unitDigest } from '../engine/box/layout.ts'
import { pushCode } from '../engine/box/push.ts'
import { usableEnvironment } from '../environment/use.ts'
import { machineClassOf, usableCores } from '../host/probe/machine-class.ts'
import type { Probe } from '../host/probe/probe.ts'
import { runProbe } from '../host/probe/run-probe.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { dataTier } from '../run/data-tier.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { gateFor } from '../walk/gates.ts'
import { isBlocking } from '../walk/item.ts'
import { carryOverrides } from '../walk/overrides.ts'
import type { Proof } from '../walk/proof.ts'
import { runDrills } from './drills.ts'
import { filesOutside, markOf } from './isolation.ts'
import { endStrays, tidy } from './left-over.ts'
import { smokeHere } from './local-first.ts'
import { droppedSteps, isWholeUnit, median, numberIn, stepSecondsOf, stepsPerUnitOf, thinned } from './readings.ts'
import { measuredText, smokeItems } from './rules.ts'
import type { LocalFirst, SmokeFacts, SmokePayload, SmokeUnit } from './types.ts'
import { filesOf, makeFolders, type SmokePlace, startUnit, withheldFromUnits } from './unit.ts'
import { isFine } from './verdict.ts'

/** Step samples kept in the proof. */
const mostSamples = 2000

/**
 * The smoke of a host: on this machine first, where that can be, then there. A smoke that fails here goes nowhere else. Each
 * appends a `SmokeProof` of its own, which names the hardware class that it ran on.
 */
export async function smoke(ctx: ActContext): Promise<ActResult> {
  const here = await smokeHere(ctx, (local) => smokeAt(local, { kind: 'here' }))
  return 'result' in here ? here.result : smokeAt(ctx, here.localFirst)
}

/**
 * Runs one or two units of the plan end to end with trackers off, kills one and resumes it, breaks a checkpoint, starts
 * a finished one again, and measures. Appends a `SmokeProof` bound to code, configuration and data, also when items
 * fail. Exit code: 0 nothing blocks, 1 an error item failed or the act was refused, 4 one is unknown.
 */
async function smokeAt(ctx: ActContext, localFirst: LocalFirst): Promise<ActResult> {
  const identity = await ctx.host.identity(ctx.signal)
  const gate = gateFor('smoke', {
    state: ctx.run.state(),
    digests: ctx.loaded.digests,
    nowMs: ctx.clock.nowMs(),
    host: identity,
  })
  if (!gate.open) {
    const first = gate.missing[0]
    const why = first === undefined ? 'the gate is closed' : `${first.why} ${first.next}`
    return refusal(ctx, why, { missing: gate.missing })
  }
  const { plan, units, digests } = ctx.loaded
  await endStrays(ctx)
  const { probe } = await runProbe(ctx.host, { signal: ctx.signal, timeoutSeconds: 20 })
  let place: SmokePlace
  try {
    place = await prepare(ctx, probe)
  } catch (error) {
    return refusal(ctx, messageOf(error), {})
  }
  ctx.cell.say(`smoke of ${plan.name} in ${place.folder}`)
  const began = await markOf(ctx, place)
  const tried = units.slice(0, Math.min(plan.smoke.units, units.length))
  const ran = await runSideBySide(
    ctx,
    place,
    tried.map((unit) => unit.id),
  )
  const first = ran[0]
  const firstUnit = tried[0]
  if (first === undefined || firstUnit === undefined) return refusal(ctx, 'the plan has no unit', {})

  const drills = ran.every(isFine) ? await runDrills(ctx, place, firstUnit, first) : notDrilled
  if (ctx.signal.aborted) {
    // A smoke that was cancelled shows nothing, neither good nor bad: the proof before it, if any, still stands.
    await tidy(ctx, place)
    ctx.signal.throwIfAborted()
  }
  failpoint('smoke.after-drills')
  const strayFiles = await filesOutside(ctx, place, began)
  const cores = usableCores(probe)
  const { proofId, machineClass } = localFirst.kind === 'passed' ? localFirst : { proofId: null, machineClass: '' }
  const payload: SmokePayload = {
    ...measured(ctx, place, ran, drills.resume, machineClassOf(probe, plan.resources.compute)),
    localFirst: proofId === null ? null : { proofId, machineClass },
  }
  const nowMs = ctx.clock.nowMs()
  const facts: SmokeFacts = {
    nowMs,
    host: ctx.host.name,
    hostKind: ctx.host.kind,
    localFirst,
    plan,
    units: ran,
    ...drills,
    strayFiles,
    usableCores: cores.isKnown ? cores.value : null,
    digests,
    isSpot: ctx.profile.spot.available,
    graceSeconds: ctx.profile.spot.graceSeconds,
    payload,
  }
  const about = {
    kind: 'SmokeProof',
    host: identity,
    machineClass: payload.machineClass,
    boundTo: pick(digests),
  } as const
  const items = carryOverrides(smokeItems(facts), about, ctx.run.state().proofs)
  for (const [i, item] of items.entries()) {
    ctx.cell.say(`${item.result.padEnd(14)} ${item.id}  ${item.evidence.summary}`)
    ctx.progress({ text: item.title, done: i + 1, total: items.length, item })
  }
  const proof: Proof<SmokePayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'smoke',
    atMs: nowMs,
    needs: [],
    items,
    payload,
  }
  failpoint('smoke.before-tidy')
  // Before the proof: killed in between, there is another smoke, and that one tidies up.
  await tidy(ctx, place)
  failpoint('smoke.before-proof')
  await ctx.run.append('proof.made', proof)
  failpoint('smoke.after-proof')
  const blocking = items.filter(isBlocking)
  const hasFailed = blocking.some((item) => item.result === 'fail')
  const figures = measuredText(facts)
  return {
    proof,
    summary:
      blocking.length === 0
        ? `smoke of ${tried.map((unit) => unit.id).join(', ')}: ${figures}`
        : `smoke: ${blocking.map((item) => `${item.id} (${item.evidence.summary})`).join('; ')}`,
    exitCode: hasFailed ? 1 : blocking.length > 0 ? 4 : 0,
    data: { proofId: proof.id, payload, items, blocking: blocking.map((item) => item.id) },
  }
}

function refusal(ctx: ActContext, why: string, data: Readonly<Record<string, unknown>>): ActResult {
  ctx.cell.say(why)
  return { summary: `No smoke: ${why}`, exitCode: 1, data: { smoked: false, reason: why, ...data } }
}

const pick = ({ code, config, data }: Proof['boundTo']): Proof['boundTo'] => ({
  ...(code === undefined ? {} : { code }),
  ...(config === undefined ? {} : { config }),
  ...(data === undefined ? {} : { data }),
})

const notRun = 'not tried: the undisturbed unit did not finish'
const notDrilled: Pick<SmokeFacts, 'resume' | 'corrupt' | 'again'> = {
  resume: {
    trouble: notRun,
    unseen: null,
    killedAtStep: null,
    resumedAtStep: null,
    resumed: null,
    isSameResult: null,
  },
  corrupt: { trouble: notRun, exitCode: null, isUntouched: null },
  again: { trouble: notRun, exitCode: null, isUnchanged: null },
}

/** Here: the run's evidence. Elsewhere: the data tier. Code and data are pushed as a launch would push them. */
async function prepare(ctx: ActContext, probe: Probe): Promise<SmokePlace> {
  const { plan, projectFolder, code } = ctx.loaded
  const environment = await usableEnvironment(ctx)
  if (environment.kind === 'refused') throw new Error(environment.why)
  ctx.cell.say(environment.words)
  const name = `smoke-${ctx.newId()}`
  let folder = `${ctx.run.folder}/evidence/${name}`
  if (ctx.host.kind !== 'local') {
    const tier = await dataTier(ctx)
    if ('reason' in tier) throw new Error(`It is not known where a smoke may lie: ${tier.reason}.`)
    folder = `${tier.path}/${ctx.run.id}-${name}`
  }
  ctx.progress({ text: `copying ${code.length} files` })
  await pushCode(ctx.host, { projectFolder, code, plan, folder })
  failpoint('smoke.after-push')
  await makeFolders(
    ctx.host,
    ['code', 'units', 'drill', 'corrupt'].map((name) => `${folder}/${name}`),
  )
  const place = {
    folder,
    code: `${folder}/code`,
    gpu: plan.resources.compute === 'gpu' ? firstGpu(probe) : null,
    variables: environment.plan.environmentVariables,
  }
  const unit = ctx.loaded.units[0]
  return { ...place, withheld: unit === undefined ? [] : await withheldFromUnits(ctx, place, unit) }
}

function firstGpu(probe: Probe): string | null {
  if (probe.gpus === 'none' || !probe.gpus.isKnown) return null
  const uuid = probe.gpus.value.gpus[0]?.uuid
  return uuid?.isKnown === true ? uuid.value : null
}

/** Two units run at once where the plan has two workers: what they share would show. */
async function runSideBySide(
  ctx: ActContext,
  place: SmokePlace,
  ids: readonly string[],
): Promise<readonly SmokeUnit[]> {
  const one = async (id: string): Promise<SmokeUnit | null> => {
    const unit = ctx.loaded.units.find((each) => each.id === id)
    if (unit === undefined) return null
    const folder = `${place.folder}/units/${id}`
    ctx.cell.say(`unit ${id} end to end, trackers off`)
    ctx.progress({ text: `running ${id}` })
    failpoint('smoke.before-unit')
    const run = await startUnit(ctx, place, unit, { folder, attempt: 1 })
    return { run, files: await filesOf(ctx, folder) }
  }
  const isParallel = ctx.loaded.plan.resources.workers > 1 && !ctx.loaded.plan.units.sequential
  if (isParallel) return (await Promise.all(ids.map(one))).filter((unit) => unit !== null)
  const ran: SmokeUnit[] = []
  for (const id of ids) {
    const unit = await one(id)
    if (unit !== null) ran.push(unit)
  }
  return ran
}

function measured(
  ctx: ActContext,
  place: SmokePlace,
  ran: readonly SmokeUnit[],
  resume: SmokeFacts['resume'],
  machineClass: string,
): SmokePayload {
  const whole = ran.filter((unit) => isFine(unit) && isWholeUnit(unit))
  const peaks = ran.flatMap(({ run }) => run.peakRssBytes ?? [])
  const saves = ran.flatMap(({ files }) => files.lines.flatMap((line) => numberIn(line, 'checkpoint_s') ?? []))
  const steps = ran.flatMap(({ files }) => stepsPerUnitOf(files) ?? [])
  return {
    unitSeconds: whole.map(({ run }) => run.seconds),
    stepSeconds: thinned(
      ran.flatMap(({ files }) => stepSecondsOf(files.lines)),
      mostSamples,
    ),
    stepsPerUnit: steps[0] ?? null,
    peakRssBytes: peaks.length === 0 ? null : Math.max(...peaks),
    checkpointBytes: ran[0]?.files.checkpoints[0]?.bytes ?? null,
    checkpointSeconds: median(saves),
    units: ran.map(({ run }) => run.unit),
    machineClass,
    droppedSteps,
    resume:
      resume.killedAtStep === null || resume.resumedAtStep === null
        ? null
        : { killedAtStep: resume.killedAtStep, resumedAtStep: resume.resumedAtStep },
    unitSha256: unitDigest(ctx.loaded.plan),
    folder: place.folder,
  }
}
