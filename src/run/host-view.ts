import { join } from 'node:path'
import { latestOf, ofHost } from '../walk/host-view.ts'
import type { RunHandle } from './act.ts'
import { makeFolder } from './files.ts'
import type { Finding, JournalKind, JournalRecord, RunState } from './types.ts'

const views = new WeakMap<RunState, Map<string, RunState>>()

/**
 * The state of a run over several hosts as one of them sees it: a run on that host alone. Made once for each state, since
 * every look asks many times.
 */
export function viewOf(state: RunState, host: string): RunState {
  const made = views.get(state) ?? new Map<string, RunState>()
  views.set(state, made)
  let view = made.get(host)
  if (view === undefined) {
    const own = ofHost(state, host)
    view = {
      ...own,
      latest: latestOf(own.view, own.proofs),
      observation: state.fleet?.observations[host] ?? null,
      findings: state.findings.filter((finding) => finding.host === host),
      leaseExtensions: state.leaseExtensions.filter((extension) => extension.host === host),
      guardActs: state.guardActs.filter((act) => act.host === host),
    }
    made.set(host, view)
  }
  return view
}

/** Where a host of several keeps what belongs to it: samples, pulled files, resolved plans. */
export const hostFolder = (runFolder: string, host: string): string => join(runFolder, 'hosts', host)

/**
 * The handle of a run for one of its hosts. What is appended goes into the one journal; looks and findings get the name of
 * the host. Services that know nothing of several hosts work through it as they do on a run of one.
 */
export function hostRun(run: RunHandle, host: string): RunHandle {
  const folder = hostFolder(run.folder, host)
  makeFolder(join(folder, 'evidence'))
  return {
    scope: host,
    folder,
    get id() {
      return run.id
    },
    state: () => viewOf(run.state(), host),
    refresh: async () => viewOf(await run.refresh(), host),
    append: (kind, payload, refuse) => {
      const own = ownRecord(host, kind, payload)
      return run.append(
        own.kind,
        own.payload,
        refuse === undefined ? undefined : (state): string | null => refuse(viewOf(state, host)),
      )
    },
    subscribe: (listener) => run.subscribe((state) => listener(viewOf(state, host))),
    scrub: (value) => run.scrub(value),
    close: async () => undefined,
  }
}

function ownRecord(host: string, kind: JournalKind, payload: unknown): Pick<JournalRecord, 'kind' | 'payload'> {
  if (kind === 'observation') return { kind: 'host.observation', payload: { host, observation: payload } }
  if (kind === 'finding.opened') return { kind, payload: { ...(payload as Finding), host } }
  return { kind, payload }
}
