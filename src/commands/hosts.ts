import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import type { RunState } from '../run/types.ts'

/** How an act goes over the hosts of a run. */
export interface PerHost {
  /** The host that was named, or several with commas; absent: all that `choose` leaves. */
  readonly only?: string | undefined
  /** Hosts that the act means when none is named, from all of the run. Default all. */
  readonly choose?: (state: RunState, hosts: readonly string[]) => readonly string[]
  /** Units that the act is about on each host: those that it is to do now, or also those that it gave away. */
  readonly share?: 'owned' | 'held'
  /** Hosts at once. Default four: a link each, and nobody's machine is flooded. */
  readonly atOnce?: number
  /** How long a host may take before it counts as one that did not answer. Default: as long as the act itself takes. */
  readonly timeoutMs?: (host: string) => number
}

export interface HostResult {
  readonly host: string
  readonly result: ActResult
}

/** From the best to the worst; 2 (usage) concerns all. */
const rank: readonly ActResult['exitCode'][] = [0, 3, 1, 4, 2]
export const worstCode = (codes: readonly ActResult['exitCode'][]): ActResult['exitCode'] =>
  codes.reduce((worst, code) => (rank.indexOf(code) > rank.indexOf(worst) ? code : worst), 0)

/** Argument by which a command is held to one host of the run. */
export const whichHost = (context: ActContext, only: string | undefined): ActResult | null => {
  if (only === undefined) return null
  const hosts = context.run.state().fleet?.hosts ?? context.loaded.plan.hosts
  const wrong = namedHosts(only).filter((host) => !hosts.includes(host))
  return wrong.length === 0
    ? null
    : {
        summary: `there is no host "${wrong.join(', ')}" in this run; it has ${hosts.join(', ')}`,
        exitCode: 2,
        data: { hosts },
      }
}

/** Hosts as they are named in an argument: one, or several with commas. */
export const namedHosts = (text: string): readonly string[] => text.split(',').flatMap((name) => name.trim() || [])

/**
 * Runs an act on the hosts of a run, several at once. One that fails or does not answer holds up no other and undoes
 * nothing of theirs. In the order of the plan.
 */
export async function eachHost(
  context: ActContext,
  perHost: PerHost,
  act: (context: ActContext) => Promise<ActResult>,
): Promise<readonly HostResult[]> {
  const { at } = context
  if (at === undefined) throw new Error('this run has one host')
  const state = context.run.state()
  const all = state.fleet?.hosts ?? context.loaded.plan.hosts
  const hosts = perHost.only === undefined ? (perHost.choose?.(state, all) ?? all) : namedHosts(perHost.only)
  const results = new Map<string, ActResult>()
  const queue = [...hosts]
  const one = async (host: string): Promise<ActResult> => {
    const ended = new AbortController()
    const signal = AbortSignal.any([context.signal, ended.signal])
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<ActResult>((resolve) => {
      const timeoutMs = perHost.timeoutMs?.(host)
      if (timeoutMs === undefined) return
      const seconds = Math.round(timeoutMs / 1000)
      timer = setTimeout(() => {
        ended.abort(new Error(`no answer within ${seconds} s`))
        resolve({ summary: `no answer within ${seconds} s`, exitCode: 4, data: null })
      }, timeoutMs)
    })
    try {
      return await Promise.race([at(host, perHost.share ?? 'owned', signal).then(act), late])
    } catch (error) {
      context.signal.throwIfAborted()
      if (isRunError(error, 'fenced')) throw error
      return { summary: messageOf(error), exitCode: 4, data: null }
    } finally {
      clearTimeout(timer)
    }
  }
  const worker = async () => {
    for (let host = queue.shift(); host !== undefined; host = queue.shift()) results.set(host, await one(host))
  }
  await Promise.all(Array.from({ length: Math.max(1, perHost.atOnce ?? 4) }, worker))
  return hosts.flatMap((host) => {
    const result = results.get(host)
    return result === undefined ? [] : [{ host, result }]
  })
}

/** One result of several: a line for each host, and the code of the worst. */
export function together(results: readonly HostResult[], none = 'no host is asked for this'): ActResult {
  if (results.length === 0) return { summary: none, exitCode: 1, data: { hosts: {} } }
  const [first] = results
  const codes = results.map(({ result }) => result.exitCode)
  const well = codes.filter((code) => code === 0).length
  const others = results.filter(({ result }) => result.exitCode !== 0).map(({ host }) => host)
  const summary =
    results.length === 1 && first !== undefined
      ? `${first.host}: ${first.result.summary}`
      : `${well} of ${results.length} hosts well${others.length === 0 ? '' : `; not ${others.join(', ')}`}`
  return {
    summary,
    exitCode: worstCode(codes),
    data: {
      hosts: Object.fromEntries(
        results.map(({ host, result }) => [
          host,
          { exitCode: result.exitCode, summary: result.summary, data: result.data },
        ]),
      ),
    },
    lines: alike(results.map(({ host, result }) => ({ host, lines: linesOf(host, result) }))),
  }
}

/** What one host says, without its name. */
const linesOf = (host: string, result: ActResult): readonly string[] => [
  result.summary.replace(`audit of ${host}: `, ''),
  ...(result.proof?.items ?? []).flatMap((item) =>
    item.result === 'fail' || item.result === 'unknown'
      ? [`  ${item.result} (${item.severity}) ${item.id} - ${item.evidence.summary}`]
      : [],
  ),
  ...(result.lines ?? []).map((line) => `  ${line}`),
]

/** Hosts that say the same say it once, under all their names. */
function alike(each: readonly { readonly host: string; readonly lines: readonly string[] }[]): readonly string[] {
  const said = new Map<string, { readonly hosts: string[]; readonly lines: readonly string[] }>()
  for (const { host, lines } of each) {
    const found = said.get(lines.join('\n'))
    if (found === undefined) said.set(lines.join('\n'), { hosts: [host], lines })
    else found.hosts.push(host)
  }
  return [...said.values()].flatMap(({ hosts, lines: [first = '', ...rest] }) => [
    `${hosts.join(', ')}: ${first}`,
    ...rest,
  ])
}

/** The act on its one host, or on each of several with one result. A name that is not of the run is refused (2). */
export function onHosts(
  perHost: PerHost,
  act: (context: ActContext) => Promise<ActResult>,
): (context: ActContext) => Promise<ActResult> {
  return async (context) => {
    const refused = whichHost(context, perHost.only)
    if (refused !== null) return refused
    return context.at === undefined ? act(context) : together(await eachHost(context, perHost, act))
  }
}
