import { scriptInput } from '../../host/script.ts'
import type { Host } from '../../host/types.ts'
import { withheldVariables, withoutVariables } from '../../host/unit-environment.ts'
import { EngineError } from '../errors.ts'
import type { BoxHandle, Detach, SubmitRequest } from '../types.ts'
import { boxScripts, guardName, runnerName } from './assets.ts'
import { dismissGuard } from './guard.ts'
import { type FlatFiles, flatFiles } from './layout.ts'
import { pushCode } from './push.ts'
import { placeSecrets } from './secrets.ts'

/** How long a started runner has to write its identity, for each way to detach. */
const patienceSeconds = 15

const decoder = new TextDecoder()

/**
 * Pushes the code, writes the flat files and the versioned runner, starts it detached, and reads back who it is.
 * The same call resumes a run whose runner is gone: finished units stay finished. Throws EngineError; its `outcome`
 * says whether a runner may be there all the same.
 */
export async function submitToBox(host: Host, request: SubmitRequest): Promise<BoxHandle> {
  const scripts = await boxScripts()
  const withheld = await withheldFrom(host, request)
  request.onWithheld?.(withheld)
  const files = flatFiles(request, await placeSecrets(host, request))
  await pushCode(host, request)
  const runner = runnerName(scripts.runner)
  await placeScript(host, `${request.folder}/${runner}`, scripts.runner)
  const guard = request.guard === undefined ? '-' : guardName(scripts.guard)
  if (guard !== '-') await placeScript(host, `${request.folder}/${guard}`, scripts.guard)
  await dropOthers(host, request.folder, files)
  // plan.env last: its token is what a half-written submit has not got.
  for (const [path, text] of files) if (path !== 'plan.env') await host.write(`${request.folder}/${path}`, text)
  await host.write(`${request.folder}/plan.env`, files.get('plan.env') ?? '')

  const ways = request.detach.length === 0 ? (['setsid'] as const) : request.detach
  // Units alone have the plan's secrets, from the file: whatever keeps them running does not.
  // Everything that the start begins inherits from it: the server of tmux, the scope of systemd, the runner, and so the
  // units, the steps after them and the save hook. What it has not got, none of them has.
  const started = await host.exec(
    withoutVariables(
      [...new Set([...withheld, ...request.plan.secrets])],
      [...['sh', '-s', '--', request.folder, runner, request.token, String(patienceSeconds), guard], ...ways],
    ),
    { stdin: scriptInput(scripts.start), timeoutSeconds: patienceSeconds * (ways.length + 1) + 20 },
  )
  const said = decoder.decode(started.stderr).trim().slice(0, 2000)
  if (started.ending.kind !== 'exited')
    throw new EngineError(
      `The start on ${host.name} was not seen to end (${started.ending.kind}). Look for the run before launching again.`,
      'unknown',
    )
  // Given up for good: nobody needs a guard or secrets of it.
  if (started.ending.code !== 0) await dismissGuard(host, request.folder).catch(() => null)
  if (started.ending.code !== 0)
    throw new EngineError(
      `The runner did not start on ${host.name}: ${said}. Read runner.log in ${request.folder}.`,
      'unknown',
    )
  const answer = parseStart(decoder.decode(started.stdout))
  if (answer === null)
    throw new EngineError(`The runner on ${host.name} started, and did not say who it is.`, 'unknown')
  return { token: request.token, folder: request.folder, runner, ...answer }
}

async function withheldFrom(host: Host, { plan, holdsSecret }: SubmitRequest): Promise<readonly string[]> {
  const named = [...plan.secrets, ...Object.keys(plan.environmentVariables)]
  try {
    return await withheldVariables(host, { named, ...(holdsSecret === undefined ? {} : { holdsSecret }) })
  } catch (error) {
    throw new EngineError(error instanceof Error ? error.message : String(error), 'nothing-started')
  }
}

/** Steps and variables of an earlier start that the plan has no more: the runner goes by what lies there. */
async function dropOthers(host: Host, folder: string, files: FlatFiles): Promise<void> {
  const there = await Promise.all(['steps', 'env'].map((name) => host.list(`${folder}/${name}`)))
  const stale = there
    .flatMap((entries) => entries ?? [])
    .filter(({ path }) => !files.has(path.slice(folder.length + 1)))
  if (stale.length === 0) return
  const gone = await host.exec(['rm', '-f', '--', ...stale.map(({ path }) => path)])
  if (gone.ending.kind !== 'exited' || gone.ending.code !== 0)
    throw new EngineError(
      `${stale[0]?.path} is of an earlier start and could not be removed. Remove it, then launch again.`,
      'nothing-started',
    )
}

async function placeScript(host: Host, path: string, source: string): Promise<void> {
  const bytes = new TextEncoder().encode(source)
  const there = await host.stat(path)
  if (there === null) return host.write(path, bytes, 0o700)
  const now = await host.read(path, 0, bytes.byteLength + 1)
  if (now === null || Buffer.compare(now, bytes) !== 0)
    throw new EngineError(
      `${path} is there and is not the script that its name says. Move the folder away and launch a new run.`,
      'nothing-started',
    )
}

function parseStart(text: string): Pick<BoxHandle, 'detach' | 'label' | 'process'> | null {
  const values = new Map(
    text.split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  )
  const detach = values.get('detach')
  const [pid, ticks, bootId] = (values.get('process') ?? '').split(' ')
  if (!isDetach(detach) || !isWhole(pid) || !isWhole(ticks) || bootId === undefined) return null
  return { detach, label: values.get('label') ?? '', process: { pid: Number(pid), startTicks: Number(ticks), bootId } }
}

export const isWhole = (text: string | undefined): text is string => text !== undefined && /^\d{1,15}$/.test(text)
export const isDetach = (text: string | undefined): text is Detach =>
  text === 'systemd' || text === 'tmux' || text === 'setsid'
