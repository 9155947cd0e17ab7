import type { Facts, RunEvent, RunState, WalkFacts } from './types.ts'

/** Kinds of records that are looked into; the others are passed without being parsed. */
const kinds = /"kind":"(run\.created|proof\.made|meter\.opened|meter\.closed|finding\.opened)"/

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

interface Meter {
  readonly usdPerHour: number | null
  readonly openedAtMs: number
  closedAtMs: number | null
}

/** What the journal of a run proves, as far as a comparison rests on it. What no record says stays out. */
export class KxRecords {
  private readonly meters = new Map<string, Meter>()
  private facts: Facts = {}
  private walk: WalkFacts = {}
  private stoppedUsd: number | null = null
  private firstStartMs: number | null = null
  private readonly events: RunEvent[] = []

  /** True where the line said something. */
  take(line: string): boolean {
    const kind = kinds.exec(line)?.[1]
    if (kind === undefined) return false
    let record: Fields
    try {
      record = fieldsOf(JSON.parse(line))
    } catch {
      return false
    }
    const payload = fieldsOf(record.payload)
    const atMs = numberOf(record.atMs)
    if (kind === 'run.created') this.created(payload, atMs)
    else if (kind === 'proof.made') this.proof(payload, atMs)
    else if (kind === 'finding.opened') this.finding(payload, atMs)
    else if (atMs !== null) this.meter(kind, payload, atMs)
    return true
  }

  /** All that is known by now. */
  known(): Facts {
    const usd = this.usd()
    return { ...this.facts, ...(usd === null ? {} : { usd }), walk: this.walk }
  }

  /** What happened since this was asked before. */
  newEvents(): readonly RunEvent[] {
    return this.events.splice(0)
  }

  private finding(payload: Fields, atMs: number | null): void {
    const text = [textOf(payload.rule), textOf(payload.text)].filter((word) => word !== null).join(': ')
    this.events.push({ kind: 'alert', step: null, wallSeconds: atMs === null ? null : atMs / 1000, text })
  }

  private created(payload: Fields, atMs: number | null): void {
    const [id, group, project] = [textOf(payload.runId), textOf(payload.planName), textOf(payload.project)]
    this.facts = {
      ...this.facts,
      ...(id === null ? {} : { id, name: id }),
      ...(group === null ? {} : { group }),
      ...(project === null ? {} : { project }),
      ...(atMs === null ? {} : { startedAtMs: atMs }),
    }
  }

  private proof(proof: Fields, atMs: number | null): void {
    const bound = fieldsOf(proof.boundTo)
    const payload = fieldsOf(proof.payload)
    const [code, data] = [textOf(bound.code), textOf(bound.data)]
    this.facts = {
      ...this.facts,
      ...(code === null ? {} : { codeSha256: code }),
      ...(data === null ? {} : { dataSha256: data }),
    }
    switch (proof.kind) {
      case 'PlanDigest':
        return this.plan(payload)
      case 'SmokeProof':
        return this.add({ peakMemoryBytes: numberOf(payload.peakRssBytes), machineClass: textOf(payload.machineClass) })
      case 'PricedPlan': {
        const hours = numberOf(payload.hoursP50)
        return this.add({
          plannedSeconds: hours === null ? null : hours * 3600,
          plannedUsd: numberOf(payload.usdP50),
          usdPerHour: numberOf(payload.usdPerHour),
        })
      }
      case 'Approval':
        return this.add({ approvedBy: textOf(payload.by), capUsd: numberOf(payload.capUsd) })
      case 'Receipt': {
        const started = numberOf(payload.startedAtMs) ?? atMs
        this.firstStartMs ??= started
        if (this.firstStartMs !== null) this.facts = { ...this.facts, startedAtMs: this.firstStartMs }
        // Begun again: what an earlier end said is over, and nobody knows yet how this one ends.
        this.facts = { ...this.facts, state: 'unknown' }
        return
      }
      case 'Outcome':
        return this.outcome(payload, atMs)
      case 'VerifiedManifest': {
        const totals = fieldsOf(payload.totals)
        const [verified, of] = [numberOf(totals.verified), numberOf(totals.expected)]
        return this.add({ artifacts: verified === null || of === null ? null : { verified, of } })
      }
      case 'MeterStopped':
        this.stoppedUsd = numberOf(payload.usd)
    }
  }

  private plan(payload: Fields): void {
    const git = fieldsOf(payload.git)
    const command = Array.isArray(payload.firstCommand) ? payload.firstCommand.map(String) : []
    this.add({
      commit: textOf(git.commit),
      isDirty: typeof git.isDirty === 'boolean' ? git.isDirty : null,
      command: command.length === 0 ? null : command,
    })
  }

  private outcome(payload: Fields, atMs: number | null): void {
    const state: RunState =
      payload.state === 'finished'
        ? isWell(payload)
          ? 'finished'
          : 'failed'
        : payload.state === 'dead'
          ? 'failed'
          : 'unknown'
    const endedAtMs = numberOf(payload.endedAtMs) ?? atMs
    this.facts = { ...this.facts, state, ...(endedAtMs === null ? {} : { endedAtMs }) }
    const units = numberOf(payload.unitsTotal)
    const done = numberOf(fieldsOf(payload.counts).done)
    this.add({
      elapsedSeconds: numberOf(payload.elapsedSeconds),
      units: units === null || done === null ? null : { done, of: units },
    })
  }

  private meter(kind: string, payload: Fields, atMs: number): void {
    const id = textOf(payload.meterId)
    if (id === null) return
    if (kind === 'meter.opened')
      this.meters.set(id, { usdPerHour: numberOf(payload.usdPerHour), openedAtMs: atMs, closedAtMs: null })
    const meter = this.meters.get(id)
    if (kind === 'meter.closed' && meter !== undefined) meter.closedAtMs ??= atMs
  }

  /** What was seen to be spent; null while a meter runs, or where its price is not known: what is not known is not zero. */
  private usd(): number | null {
    if (this.stoppedUsd !== null) return this.stoppedUsd
    let sum = 0
    for (const { usdPerHour, openedAtMs, closedAtMs } of this.meters.values()) {
      if (usdPerHour === null || closedAtMs === null) return null
      sum += (usdPerHour * Math.max(0, closedAtMs - openedAtMs)) / 3_600_000
    }
    if (this.meters.size > 0) return sum
    const { usdPerHour, elapsedSeconds } = this.walk
    return usdPerHour === undefined || elapsedSeconds === undefined ? null : (usdPerHour * elapsedSeconds) / 3600
  }

  /** A later record holds; one that says nothing takes nothing away. */
  private add(more: { readonly [K in keyof WalkFacts]: WalkFacts[K] | null }): void {
    const said = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null))
    this.walk = { ...this.walk, ...said } as WalkFacts
  }
}

/** Finished is a word for the end alone: a unit that failed is told by the counts. */
function isWell(payload: Fields): boolean {
  const failed = numberOf(fieldsOf(payload.counts).failed)
  return failed === null || failed === 0
}
