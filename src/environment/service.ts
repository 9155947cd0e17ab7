import type { ProcessOutput } from 'zx/core'
import { endingOfOutput, type HostDollar, hostShell } from '../host/zx/shell.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { bringUv, findUv, ownUv, SyncError } from './bring-uv.ts'
import { type Planned, plannedEnvironment, readReady, readyFile } from './place.ts'
import { type EnvironmentFacts, environmentTrouble, installerVariables, pinsOf } from './rules.ts'
import { checkPackages } from './scripts.ts'
import type { Ready, SyncStep } from './types.ts'
import { uvVersion } from './uv-release.ts'

/** Packages of several gigabytes over a slow line. */
const installSeconds = 3600

interface Site {
  readonly ctx: ActContext
  readonly planned: Extract<Planned, { kind: 'uv' }>
  readonly $: HostDollar
}

interface Done {
  readonly summary: string
  /** The probe found it done already, so nothing was changed. */
  readonly wasDone: boolean
}

/**
 * One step towards the packages of the plan on its host. Each looks first whether it is done already, so the whole may be
 * asked for again at any time, also after an end that nobody saw. Exit code: 0 done or nothing to do, 1 refused or
 * failed, 4 the end was not seen.
 */
export async function syncStep(ctx: ActContext, step: SyncStep): Promise<ActResult> {
  const planned = await plannedEnvironment(ctx)
  if (planned.kind === 'nothing') return { summary: planned.words, exitCode: 0, data: { step, isNothingToDo: true } }
  if (planned.kind === 'refused') return failed(ctx, step, planned.why, planned.exitCode)
  const { place } = planned
  const shell = await hostShell(ctx.host, {
    env: installerVariables(ctx.profile, place, ctx.host.kind === 'local'),
    onLog: (entry) => {
      if (entry.kind === 'cmd') ctx.cell.say(`$ ${entry.cmd}`)
      if (entry.kind === 'stdout') ctx.cell.stdout(entry.data)
      if (entry.kind === 'stderr') ctx.cell.stderr(entry.data)
    },
  })
  try {
    const site: Site = {
      ctx,
      planned,
      $: shell.$({ signal: ctx.signal, timeout: installSeconds * 1000 }),
    }
    const done = await work[step](site)
    const summary = `${step}: ${done.summary}${done.wasDone ? ' (as it was)' : ''}`
    return { summary, exitCode: 0, data: { step, isNothingToDo: false, wasDone: done.wasDone, place } }
  } catch (error) {
    ctx.signal.throwIfAborted()
    if (error instanceof SyncError) return failed(ctx, step, error.message, 1)
    if (!isOutput(error)) throw error
    const ending = endingOfOutput(error)
    if (ending.kind === 'unknown')
      return failed(ctx, step, `${ending.reason} Asked again, it looks first what is there.`, 4)
    const said = sanitiseLine(ctx.run.scrub(gist(error.stderr)), 400)
    const how = ending.kind === 'exited' ? `exit code ${ending.code}` : ending.signal
    return failed(ctx, step, `${how}${said === '' ? '' : `: ${said}`}`, 1)
  } finally {
    await shell.close()
  }
}

/** The first lines say what went wrong, the last ones why or what to do. */
function gist(text: string): string {
  const all = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
  // What went well before is told first.
  const lines = all.slice(
    Math.max(
      0,
      all.findIndex((line) => /^(?:error|×)/i.test(line)),
    ),
  )
  return (lines.length <= 5 ? lines : [...lines.slice(0, 2), '…', ...lines.slice(-2)]).join(' / ')
}

const isOutput = (error: unknown): error is ProcessOutput =>
  error instanceof Error && 'exitCode' in error && 'stderr' in error

function failed(ctx: ActContext, step: SyncStep, why: string, exitCode: 1 | 4): ActResult {
  ctx.cell.say(why)
  return { summary: `Not synced, at ${step}: ${why}`, exitCode, data: { step, isNothingToDo: false, reason: why } }
}

async function mustFindUv(site: Site): Promise<string> {
  const found = await findUv(site.$, site.planned.place.root)
  if (found === null) throw new SyncError('uv is not there any more: sync again from the first step.')
  return found.path
}

const work: Readonly<Record<SyncStep, (site: Site) => Promise<Done>>> = {
  uv: async (site) => {
    const before = await findUv(site.$, site.planned.place.root)
    if (before !== null) return { summary: `uv ${before.version} at ${before.path}`, wasDone: true }
    await bringUv(site.$, {
      root: site.planned.place.root,
      hostName: site.ctx.host.name,
      say: (line) => site.ctx.cell.say(line),
    })
    const found = await findUv(site.$, site.planned.place.root)
    if (found === null)
      throw new SyncError(`uv ${uvVersion} was installed and does not run: ${ownUv(site.planned.place.root)} --version`)
    return { summary: `uv ${found.version} brought to ${found.path}`, wasDone: false }
  },

  venv: async (site) => {
    const { $, planned, ctx } = site
    const { place, wanted } = planned
    const version = async () => {
      const output = await $({ nothrow: true })`${place.interpreter} -c ${'import sys; print(sys.version.split()[0])'}`
      if (output.exitCode !== 0 && output.exitCode !== 127 && output.exitCode !== 126) throw output
      return output.exitCode === 0 ? output.stdout.trim() : null
    }
    const before = await version()
    if (before !== null) return { summary: `Python ${before} in ${place.venv}`, wasDone: true }
    const uv = await mustFindUv(site)
    await $`mkdir -p -m 700 ${place.folder}`
    // Half of one, of a sync that was cut.
    await ctx.host.removeTree(place.venv, place.folder)
    const python = wanted.python === null ? [] : ['--python', wanted.python]
    const image = wanted.image === null ? [] : ['--system-site-packages']
    await $`${uv} venv --no-project ${python} ${image} ${place.venv}`
    const made = await version()
    if (made === null) throw new SyncError(`${place.interpreter} does not start.`)
    return { summary: `Python ${made} in ${place.venv}`, wasDone: false }
  },

  packages: async (site) => {
    const { $, planned, ctx } = site
    const { place, text, wanted } = planned
    const before = await readReady(ctx.host, place)
    if (before !== null) return { summary: `${before.packages} packages of ${wanted.file}`, wasDone: true }
    const uv = await mustFindUv(site)
    const list = `${place.folder}/requirements.txt`
    await ctx.host.write(list, text)
    const hashes = text.includes('--hash=') ? ['--require-hashes'] : []
    await $`${uv} pip sync --python ${place.interpreter} ${hashes} ${list}`
    return { summary: `${pinsOf(text).size} pins of ${wanted.file} installed`, wasDone: false }
  },

  check: async (site) => {
    const { $, planned, ctx } = site
    const { place, text } = planned
    const before = await readReady(ctx.host, place)
    const pins = JSON.stringify(Object.fromEntries([...pinsOf(text)].map(([n, p]) => [n, [p.versions, p.hasMarker]])))
    const asked = await $({ input: pins })`${place.interpreter} -I -c ${checkPackages}`
    const facts = factsOf(asked.stdout)
    if (facts === null) throw new SyncError(`${place.interpreter} gave no answer that can be read.`)
    const trouble = environmentTrouble(facts, ctx.loaded.plan)
    if (trouble !== null) {
      // What was right once is not any more: nothing is to be started in it.
      if (before !== null) await $`rm -f ${readyFile(place)}`
      throw new SyncError(trouble)
    }
    const uv = await findUv(site.$, site.planned.place.root)
    const ready: Ready = {
      version: 1,
      key: place.key,
      python: facts.python,
      uv: uv?.version ?? 'unknown',
      packages: facts.packages,
      torch: facts.torch,
      cuda: facts.cuda,
      atMs: ctx.clock.nowMs(),
    }
    if (before === null) await ctx.host.write(readyFile(place), `${JSON.stringify(ready)}\n`)
    const torch = facts.torch === null ? 'no torch' : `torch ${facts.torch}, CUDA ${facts.cuda ?? 'none'}`
    return {
      summary: `Python ${facts.python}, ${facts.packages} packages as pinned, ${torch}`,
      wasDone: before !== null,
    }
  },
}

/** With pip where there is one, else with Python alone: in both ways only the pinned files, by their hashes. */
function factsOf(text: string): EnvironmentFacts | null {
  const line = text.split('\n').find((each) => each.startsWith('kx-environment '))
  try {
    return line === undefined ? null : (JSON.parse(line.slice('kx-environment '.length)) as EnvironmentFacts)
  } catch {
    return null
  }
}
