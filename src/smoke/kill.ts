import { setTimeout as sleep } from 'node:timers/promises'
import type { ActContext } from '../run/act.ts'
import type { Unit } from '../spec/schema.ts'
import { formatDuration, plural } from '../text/format.ts'
import { numberIn, parseMetrics } from './readings.ts'
import type { UnitRun } from './types.ts'
import { filesOf, readText, type SmokePlace, startUnit } from './unit.ts'

export interface Killed {
  readonly folder: string
  readonly killedAtStep: number
  readonly linesBefore: number
}

/** `isUnseen`: it shows nothing against the unit. */
export interface NotKilled {
  readonly why: string
  readonly isUnseen: boolean
}

/** A unit that ran this long has had the time for a checkpoint. */
const longSeconds = 2
/** Starts of a unit that is over too soon: the first by its steps, the others as soon as a checkpoint is there. */
const mostStarts = 3

/** Killed with a checkpoint in its folder. A unit that is over before that is started again and killed earlier. */
export async function killInTheMiddle(ctx: ActContext, place: SmokePlace, unit: Unit): Promise<Killed | NotKilled> {
  const { count, bytes } = ctx.loaded.plan.checkpoints
  if (count === 0 || bytes === 0) return { why: 'the plan keeps no checkpoints', isUnseen: true }
  const seconds: number[] = []
  let left = 0
  for (let start = 1; start <= mostStarts; start++) {
    const folder = `${place.folder}/drill/${unit.id}${start === 1 ? '' : `-${start}`}`
    const tried = start === 1 ? await killAtStep(ctx, place, unit, folder) : await killAtOnce(ctx, place, unit, folder)
    const { run } = tried
    if (run.ending.kind !== 'exited' || run.ending.code !== 0) return killedOr(ctx, folder, tried)
    seconds.push(run.seconds)
    left = (await filesOf(ctx, folder)).checkpoints.length
    if (left === 0 && run.seconds >= longSeconds)
      return { why: `no checkpoint was there in the ${formatDuration(run.seconds)} that it ran`, isUnseen: false }
  }
  const shortest = formatDuration(Math.min(...seconds))
  const saved = left === 0 ? 'no checkpoint was left' : `${plural(left, 'checkpoint')} left`
  return {
    why: `${plural(seconds.length, 'start')}, and each was over before it could be killed, the fastest after ${shortest} (${saved}): give the smoke a longer unit`,
    isUnseen: true,
  }
}

interface Tried {
  readonly run: UnitRun
  /** SIGKILL was sent. A unit that is short of memory dies of one too. */
  readonly hasFired: boolean
}

/** By the steps of the plan, asked for from here. */
async function killAtStep(ctx: ActContext, place: SmokePlace, unit: Unit, folder: string): Promise<Tried> {
  const wanted = ctx.loaded.plan.smoke.killAfterSteps
  ctx.cell.say(`drill: ${unit.id} until step ${wanted} and a first checkpoint, then SIGKILL`)
  let hasFired = false
  const run = await startUnit(ctx, place, unit, {
    folder,
    attempt: 1,
    killWhen: async (lines) => {
      if ((numberIn(lines.at(-1), 'step') ?? 0) < wanted) return false
      const saved = (await ctx.host.list(`${folder}/checkpoints`)) ?? []
      hasFired = saved.some((e) => e.kind === 'file' && !e.path.includes('.tmp'))
      return hasFired
    },
  })
  return { run, hasFired }
}

/**
 * $1: where its process id is written, $2: its folder, $3: whether it writes metrics.jsonl. Asks without a pause, on the
 * host itself: a unit may be over within milliseconds. The unit is ours and its end has not been taken note of.
 */
const atOnceScript = `while ! { read -r pid <"$1"; } 2>/dev/null; do :; done
while kill -0 "$pid" 2>/dev/null; do
  [ "$3" = 0 ] || [ -s "$2/metrics.jsonl" ] || continue
  for path in "$2"/checkpoints/*; do
    case \${path##*/} in *.tmp*) continue ;; esac
    [ -s "$path" ] || continue
    kill -KILL "-$pid" && echo killed
    exit 0
  done
done`

/** As soon as a checkpoint is there, asked for on the host itself. */
async function killAtOnce(ctx: ActContext, place: SmokePlace, unit: Unit, folder: string): Promise<Tried> {
  const { plan } = ctx.loaded
  ctx.cell.say(`drill: ${unit.id} was over too soon; again, until its first checkpoint, then SIGKILL`)
  const isOver = new AbortController()
  const signal = AbortSignal.any([ctx.signal, isOver.signal])
  const watching = ctx.host
    .script(atOnceScript, [`${folder}.pid`, folder, plan.logPattern === undefined ? '1' : '0'], {
      timeoutSeconds: plan.smoke.timeoutSeconds,
      signal,
    })
    .catch(() => null)
  const run = await startUnit(ctx, place, unit, { folder, attempt: 1 })
  // It has seen the end too, but for a unit that was never started.
  const answer = await Promise.race([watching, sleep(2000).then(() => null)])
  isOver.abort()
  await watching
  return { run, hasFired: new TextDecoder().decode(answer?.stdout).trim() === 'killed' }
}

/** What a unit that did not end with 0 has left: killed by us, or trouble. */
async function killedOr(ctx: ActContext, folder: string, { run, hasFired }: Tried): Promise<Killed | NotKilled> {
  const trouble = (why: string): NotKilled => ({ why, isUnseen: false })
  if (run.timedOut)
    return trouble(
      `no step ${ctx.loaded.plan.smoke.killAfterSteps} with a checkpoint within ${formatDuration(run.seconds)}`,
    )
  if (run.ending.kind === 'unknown') return trouble(`its end was not seen: ${run.ending.reason}`)
  if (run.ending.kind === 'exited') return trouble(`the unit ended by itself with exit code ${run.ending.code}`)
  if (!hasFired) return trouble(`the unit ended by itself with ${run.ending.signal}`)
  const { lines } = parseMetrics((await readText(ctx, `${folder}/metrics.jsonl`)) ?? '')
  const killedAtStep = numberIn(lines.at(-1), 'step')
  return killedAtStep === null
    ? { why: `killed after ${formatDuration(run.seconds)}, and it had written no step to compare with`, isUnseen: true }
    : { folder, killedAtStep, linesBefore: lines.length }
}
