import type { ActContext } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import type { Unit } from '../spec/schema.ts'
import { type Killed, killInTheMiddle } from './kill.ts'
import { numberIn } from './readings.ts'
import type { AgainDrill, CorruptDrill, ResumeDrill, SmokeUnit } from './types.ts'
import { filesOf, type SmokePlace, startUnit } from './unit.ts'

const exitCodeOf = ({ run }: Pick<SmokeUnit, 'run'>): number | null =>
  run.ending.kind === 'exited' ? run.ending.code : null

/** Runs all three drills on one unit in a folder of its own: kill and resume, broken checkpoint, second start. */
export async function runDrills(
  ctx: ActContext,
  place: SmokePlace,
  unit: Unit,
  undisturbed: SmokeUnit,
): Promise<{ resume: ResumeDrill; corrupt: CorruptDrill; again: AgainDrill }> {
  const killed = await killInTheMiddle(ctx, place, unit)
  failpoint('smoke.after-kill')
  if ('why' in killed) {
    const nothing = { killedAtStep: null, resumedAtStep: null, resumed: null, isSameResult: null }
    return {
      resume: {
        ...nothing,
        trouble: killed.isUnseen ? null : killed.why,
        unseen: killed.isUnseen ? killed.why : null,
      },
      corrupt: { trouble: killed.why, exitCode: null, isUntouched: null },
      // A second start can be shown on the undisturbed unit all the same.
      again: await startAgain(ctx, place, unit, `${place.folder}/units/${unit.id}`),
    }
  }
  const corrupt = await breakCheckpoint(ctx, place, unit, killed.folder)
  const resume = await resumeKilled(ctx, place, unit, killed, undisturbed)
  const again =
    resume.resumed !== null && exitCodeOf(resume.resumed) === 0
      ? await startAgain(ctx, place, unit, killed.folder)
      : { trouble: 'the resumed unit did not finish', exitCode: null, isUnchanged: null }
  return { resume, corrupt, again }
}

async function resumeKilled(
  ctx: ActContext,
  place: SmokePlace,
  unit: Unit,
  { folder, killedAtStep, linesBefore }: Killed,
  undisturbed: SmokeUnit,
): Promise<ResumeDrill> {
  ctx.cell.say(`drill: killed at step ${killedAtStep}; the same command again`)
  const run = await startUnit(ctx, place, unit, { folder, attempt: 2 })
  const files = await filesOf(ctx, folder)
  const resumedAtStep = numberIn(files.lines[linesBefore], 'step')
  const metrics = ctx.loaded.plan.metrics.map((m) => m.name)
  const [a, b] = [undisturbed.files.result, files.result]
  const comparable = a !== null && b !== null ? metrics.filter((m) => Object.hasOwn(a, m) || Object.hasOwn(b, m)) : []
  return {
    trouble: null,
    unseen: null,
    killedAtStep,
    resumedAtStep,
    resumed: { run, files },
    isSameResult: comparable.length === 0 ? null : comparable.every((m) => Object.is(a?.[m], b?.[m])),
  }
}

/**
 * Copies the killed unit, cuts every checkpoint in it in half, and starts it: it must refuse, and leave the files alone.
 * All of them, because which one a script takes for the newest is its own affair.
 */
async function breakCheckpoint(ctx: ActContext, place: SmokePlace, unit: Unit, from: string): Promise<CorruptDrill> {
  const folder = `${place.folder}/corrupt/${unit.id}`
  const none = { exitCode: null, isUntouched: null }
  try {
    const made = await ctx.host.exec(['cp', '-a', '--', from, folder], { timeoutSeconds: 300 })
    if (made.ending.kind !== 'exited' || made.ending.code !== 0)
      return { ...none, trouble: 'the unit could not be copied' }
    const saved = (await filesOf(ctx, folder)).checkpoints
    if (saved.length === 0) return { ...none, trouble: 'there is no checkpoint to break' }
    const broken: { readonly path: string; readonly sha256: string }[] = []
    for (const { name, bytes } of saved) {
      const path = `${folder}/checkpoints/${name}`
      const half = await ctx.host.read(path, 0, Math.min(Math.floor(bytes / 2), 64 * 1024 * 1024))
      await ctx.host.write(path, half ?? new Uint8Array())
      broken.push({ path, sha256: await ctx.host.sha256(path) })
    }
    ctx.cell.say(`drill: ${saved.map((file) => file.name).join(', ')} cut in half; the unit must refuse`)
    const run = await startUnit(ctx, place, unit, { folder, attempt: 2 })
    let isUntouched = true
    for (const { path, sha256 } of broken) {
      const there = await ctx.host.stat(path)
      if (there === null || (await ctx.host.sha256(path)) !== sha256) isUntouched = false
    }
    return { trouble: null, exitCode: exitCodeOf({ run }), isUntouched }
  } catch (error) {
    return { ...none, trouble: messageOf(error) }
  }
}

/** Starts a finished unit once more: it must leave with 0 and change neither result nor metrics. */
async function startAgain(ctx: ActContext, place: SmokePlace, unit: Unit, folder: string): Promise<AgainDrill> {
  const kept = ['result.json', 'metrics.jsonl']
  // It would train once more, and its lines would stand among those that were measured.
  if (ctx.loaded.plan.logPattern !== undefined)
    return { trouble: 'the script does not know when it is finished', exitCode: null, isUnchanged: null }
  try {
    const digest = async () =>
      Promise.all(
        kept.map(async (name) =>
          (await ctx.host.stat(`${folder}/${name}`)) === null ? 'missing' : await ctx.host.sha256(`${folder}/${name}`),
        ),
      )
    const before = await digest()
    ctx.cell.say('drill: a finished unit is started once more')
    const run = await startUnit(ctx, place, unit, { folder, attempt: 3 })
    const after = await digest()
    return {
      trouble: null,
      exitCode: exitCodeOf({ run }),
      isUnchanged: before.every((value, i) => value === after[i]),
    }
  } catch (error) {
    return { trouble: messageOf(error), exitCode: null, isUnchanged: null }
  }
}
