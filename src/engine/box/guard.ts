import { scriptInput } from '../../host/script.ts'
import type { Host } from '../../host/types.ts'
import { withheldVariables, withoutVariables } from '../../host/unit-environment.ts'
import type { Plan } from '../../spec/schema.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import type { BoxHandle, Detach, GuardStatus } from '../types.ts'
import { boxScripts, guardName } from './assets.ts'
import { lookAt } from './look.ts'

/**
 * Ends the guard of a folder that is about to be removed, and sees it gone: it would write while files go. By start time
 * and boot id, never by name. True: none is alive there; null: the host did not say.
 */
export async function dismissGuard(host: Host, folder: string): Promise<boolean | null> {
  const { dismiss } = await boxScripts()
  const ran = await host.script(dismiss, [folder], { timeoutSeconds: 30 })
  if (ran.ending.kind !== 'exited') return null
  return ran.ending.code === 0 ? true : ran.ending.code === 1 ? false : null
}

/** What became of a longer lease: taken by the guard, certainly not there, or not known. */
export type Extended =
  | { readonly kind: 'taken'; readonly guard: GuardStatus }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

const refusals: Readonly<Record<number, string>> = {
  3: 'the folder belongs to another launch',
  4: 'somebody else has extended the lease meanwhile',
  5: 'the lease there is longer already',
  66: 'the folder of the run is not there',
}
/** A guard looks every 15 s; the rest is for a box that is slow. */
const takenWithinSeconds = 45
const everyMs = 500

/**
 * Hands the guard a longer lease: written only over the number that kx knows, so that a kx that slept can neither shorten
 * one nor write over another's; then looked at until the guard says that it has taken it.
 */
export async function extendLease(
  host: Host,
  handle: BoxHandle,
  lease: { readonly expected: number; readonly number: number; readonly seconds: number },
  signal: AbortSignal,
): Promise<Extended> {
  const { extend } = await boxScripts()
  const { folder, token } = handle
  const ran = await host.script(extend, [folder, token, ...[lease.expected, lease.number, lease.seconds].map(String)], {
    timeoutSeconds: 30,
  })
  if (ran.ending.kind !== 'exited') return { kind: 'unknown', why: 'the host did not say whether it was written' }
  const { code } = ran.ending
  if (code !== 0) {
    const why = refusals[code]
    return why === undefined
      ? { kind: 'unknown', why: `writing the lease ended with exit code ${code}` }
      : { kind: 'refused', why }
  }
  const deadline = performance.now() + takenWithinSeconds * 1000
  while (performance.now() < deadline && !signal.aborted) {
    const seen = await lookAt(host, folder, signal)
    const guard = seen.kind === 'seen' ? seen.look.guard : null
    if (guard !== null && guard.token === token && guard.number >= lease.number) return { kind: 'taken', guard }
    await new Promise((wake) => setTimeout(wake, everyMs))
  }
  return { kind: 'unknown', why: 'it is written, and the guard has not said that it took it' }
}

/** What became of a guard that was started once more. */
export type Armed =
  | { readonly kind: 'armed'; readonly guard: GuardStatus }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** How long a guard has to say that it is there, for each way to detach. */
const armedWithinSeconds = 15

/**
 * Starts the guard of a launch once more, from the script that this launch brought: it goes by the settings that lie beside
 * it, and counts on from where the one before stopped, over a reboot too.
 */
export async function armGuardAgain(
  host: Host,
  handle: BoxHandle,
  given: { readonly plan: Plan; readonly ways: readonly Detach[]; readonly signal: AbortSignal },
): Promise<Armed> {
  const { folder, token } = handle
  const own = await host.exec(['grep', '-qxF', `token=${token}`, `${folder}/plan.env`], { signal: given.signal })
  if (own.ending.kind !== 'exited') return { kind: 'unknown', why: 'the host did not say whose folder it is' }
  if (own.ending.code !== 0) return { kind: 'refused', why: 'the folder belongs to another launch, or is gone' }
  const scripts = await boxScripts()
  const there = ((await host.list(folder)) ?? []).filter(({ path }) => /\/guard-[0-9a-f]{12}\.sh$/.test(path))
  const newest = there.toSorted((a, b) => b.mtimeMs - a.mtimeMs)[0]
  const script = there.find(({ path }) => path.endsWith(`/${guardName(scripts.guard)}`)) ?? newest
  if (script === undefined) return { kind: 'refused', why: 'the script of the guard is not there any more' }
  const named = [...given.plan.secrets, ...Object.keys(given.plan.environmentVariables)]
  const withheld = await withheldVariables(host, { named }, given.signal)
  const ways = given.ways.length === 0 ? (['setsid'] as const) : given.ways
  const name = script.path.slice(script.path.lastIndexOf('/') + 1)
  const started = await host.exec(
    withoutVariables(
      [...new Set([...withheld, ...given.plan.secrets])],
      ['sh', '-s', '--', folder, '-', token, String(armedWithinSeconds), name, ...ways],
    ),
    { stdin: scriptInput(scripts.start), timeoutSeconds: armedWithinSeconds * (ways.length + 1) + 20 },
  )
  if (started.ending.kind !== 'exited') return { kind: 'unknown', why: 'the start of the guard was not seen to end' }
  const said = sanitiseLine(new TextDecoder().decode(started.stderr).trim(), 300)
  if (started.ending.code !== 0) return { kind: 'refused', why: said === '' ? 'the guard did not start' : said }
  const seen = await lookAt(host, folder, given.signal)
  const guard = seen.kind === 'seen' ? seen.look.guard : null
  if (guard?.isAlive !== true || guard.token !== token)
    return { kind: 'unknown', why: 'the guard was started, and was not seen alive after it' }
  return { kind: 'armed', guard }
}

/** Nothing is created where no guard is. */
const visitScript = `[ -d "$1/guard" ] || exit 0
printf '%s\\n' "$2" >"$1/guard/visited.tmp" && mv -f "$1/guard/visited.tmp" "$1/guard/visited"`
/** A guard holds back for 15 minutes after a visit: one that is lost does no harm. */
const visitEveryMs = 120_000

/**
 * Tells the guard that somebody is at it, now and again until the returned function is called: it parks no machine from which
 * results are being fetched.
 */
export function attend(host: Host, folder: string, newId: () => string): () => void {
  const visit = () => void host.script(visitScript, [folder, newId()], { timeoutSeconds: 30 }).catch(() => {})
  visit()
  const timer = setInterval(visit, visitEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
