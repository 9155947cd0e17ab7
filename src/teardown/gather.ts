import { existsSync } from 'node:fs'
import { copyFile, link, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { boxEngine } from '../engine/box/engine.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { folderMode, writeAtomic } from '../run/files.ts'
import { hostFolder } from '../run/host-view.ts'
import { verifiedOn } from '../run/units-done.ts'
import { sha256Hex } from '../spec/digest.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { type Counted, countedOf } from '../walk/shares.ts'
import { refusal } from './common.ts'
import { verifyFolder } from './service.ts'

/** How long nothing but kx's own bookkeeping may take beside the steps. */
const spareSeconds = 120

/** Where the units of all hosts come together, in the run's folder here. */
export const gatherFolder = (runFolder: string): string => join(runFolder, 'gather')

/**
 * Puts together what was verified on several hosts: each unit once, from the host whose result counts; then the steps after
 * the units, which speak of all of them, here; then the roster of the whole plan, hashed and judged like that of a box.
 * Results that do not count are named in `aside.json` and stay under `hosts/`. Exit codes as of a verification.
 */
export async function gatherHosts(ctx: ActContext): Promise<ActResult> {
  const state = await ctx.run.refresh()
  const { fleet } = state
  if (fleet === undefined) return refusal('This run has one host: there is nothing to put together.', {})
  const counted = countedOf(fleet.assignments, new Map(fleet.hosts.map((host) => [host, verifiedOn(state, host)])))
  const open = ctx.loaded.units.filter((unit) => !counted.from.has(unit.id)).map((unit) => unit.id)
  if (counted.from.size === 0) return refusal('No unit of any host is verified yet.', { missing: open })
  const folder = gatherFolder(ctx.run.folder)
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'units'), { recursive: true, mode: folderMode })
  await Promise.all(
    fleet.hosts.map((host) => mkdir(join(folder, 'hosts', host), { recursive: true, mode: folderMode })),
  )
  for (const [unit, { host }] of counted.from) await bring(ctx, folder, host, unit)
  for (const host of fleet.hosts) await bringRest(ctx, folder, host)
  writeAtomic(join(folder, 'fleet.json'), `${JSON.stringify(fleetFile(ctx, counted, open), null, 1)}\n`, 'fleet')
  writeAtomic(join(ctx.run.folder, 'aside.json'), `${JSON.stringify(counted.aside, null, 1)}\n`, 'aside')
  for (const { unit, host, why } of counted.aside) ctx.cell.say(`${unit} of ${host} is kept aside: ${why}`)
  failpoint('teardown.after-gather')
  if (open.length === 0) await runSteps(ctx, folder)
  else ctx.cell.say(`steps after the units wait: ${plural(open.length, 'unit')} not verified on any host`)
  const proofs = fleet.hosts.flatMap((host) =>
    state.proofs.filter((proof) => proof.kind === 'VerifiedManifest' && proof.host?.host === host).slice(-1),
  )
  const identity = await ctx.host.identity(ctx.signal)
  const made = await verifyFolder(ctx, {
    identity,
    folder,
    needs: proofs.map((proof) => proof.id),
    isTogether: true,
  })
  const aside = counted.aside.length === 0 ? '' : `; ${plural(counted.aside.length, 'double')} kept aside`
  return {
    ...made,
    summary: `${counted.from.size} of ${ctx.loaded.units.length} units from ${new Set([...counted.from.values()].map((each) => each.host)).size} hosts put together; ${made.summary}${aside}`,
  }
}

/** Whose result counts for each unit, what is missing, and what is kept aside. */
function fleetFile(ctx: ActContext, { from, aside }: Counted, missing: readonly string[]) {
  return {
    version: 1,
    runId: ctx.run.id,
    atMs: ctx.clock.nowMs(),
    units: Object.fromEntries([...from].map(([unit, { host, generation }]) => [unit, { host, generation }])),
    missing,
    aside,
  }
}

/** The verified files of a unit, by a second name for the same bytes where the disk can. */
async function bring(ctx: ActContext, folder: string, host: string, unit: string): Promise<void> {
  const from = join(hostFolder(ctx.run.folder, host), 'artifacts', 'units', unit)
  const to = join(folder, 'units', unit)
  for (const path of await filesBelow(from)) await second(join(from, path), join(to, path))
  const exit = join(to, 'exit')
  // The runner that writes checkpoint.json goes by this file; a plan without steps has not brought it home.
  if (!existsSync(exit)) await writeFile(exit, `unit=${unit}\nstate=done\nnan=0\nresults=${await numbersOf(to)}\n`)
}

/** What a host has beside units: it is its own, so it keeps the host's name. */
async function bringRest(ctx: ActContext, folder: string, host: string): Promise<void> {
  const from = join(hostFolder(ctx.run.folder, host), 'artifacts')
  for (const path of await filesBelow(from))
    if (!path.startsWith('units/') && path !== 'manifest.json' && !path.split('/').some((part) => part.startsWith('.')))
      await second(join(from, path), join(folder, 'hosts', host, path))
}

async function second(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: folderMode })
  try {
    await link(from, to)
  } catch {
    await copyFile(from, to)
  }
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const found: string[] = []
  for (const name of names) if ((await lstat(join(folder, name))).isFile()) found.push(name)
  return found
}

async function numbersOf(folder: string): Promise<string> {
  try {
    const result: unknown = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'))
    const entries = Object.entries(result as object).filter(([, value]) => typeof value === 'number')
    return JSON.stringify(Object.fromEntries(entries))
  } catch {
    return '{}'
  }
}

/**
 * The steps after the last unit, by the runner that runs them on a box: detached, in order, with their logs and exit files.
 * Needs here what they need: their program and the project's files. How each ended is judged by the verification.
 */
async function runSteps(ctx: ActContext, folder: string): Promise<void> {
  const { plan, projectFolder, code } = ctx.loaded
  const token = `kx-${ctx.run.id}-gather-${sha256Hex(`${ctx.clock.nowMs()} ${ctx.newId()}`).slice(0, 12)}`
  const isTop = (glob: string) => !glob.startsWith('units/')
  try {
    const handle = await boxEngine.submit(ctx.host, {
      runId: ctx.run.id,
      token,
      folder,
      plan: { ...plan, save: undefined, artifacts: plan.artifacts.filter(({ glob }) => isTop(glob)) },
      units: [],
      workers: 1,
      threadsPerWorker: plan.resources.threadsPerWorker ?? null,
      gpus: [],
      detach: ['setsid'],
      leaseUntilMs: null,
      projectFolder,
      code,
    })
    const limit = plan.after.reduce((seconds, step) => seconds + step.timeoutSeconds, spareSeconds)
    const until = ctx.clock.monotonicMs() + limit * 1000
    for (;;) {
      const status = await boxEngine.status(ctx.host, handle, [])
      if (status.runnerAlive === false) {
        ctx.cell.say(status.exit === null ? 'the steps ended without a word' : `steps: ${status.exit.reason}`)
        return
      }
      if (ctx.signal.aborted || ctx.clock.monotonicMs() > until) {
        await boxEngine.cancel(ctx.host, handle, 'the steps took too long', 10)
        ctx.signal.throwIfAborted()
        return
      }
      await sleep(250)
    }
  } catch (error) {
    ctx.signal.throwIfAborted()
    // Named by the verification too, as steps that did not run to their end.
    ctx.cell.say(`the steps after the units did not run: ${sanitiseLine(messageOf(error), 300)}`)
  }
}
