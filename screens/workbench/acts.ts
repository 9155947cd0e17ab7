import type { CellHits } from '../../src/commands/notebook-search.ts'
import { whyDisabled } from '../../src/commands/registry.ts'
import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import type { ActResult } from '../../src/run/act.ts'
import type { DialogQuestion } from '../../src/ui/dialog-model.ts'
import type { Desk } from './desk.ts'
import { WalkFollower } from './follow.ts'
import type { Layers } from './layers.ts'
import { withProgress } from './live.ts'
import { showCell } from './notebook-acts.ts'
import { isOffer, showOffer } from './recipe-acts.ts'
import type { Message } from './snapshot.ts'

/** Runs commands that act on the world: one in the foreground at a time, and the quiet looks of the patrol beside it. */
export class Acts {
  readonly #desk: Desk
  readonly #layers: Layers
  readonly #goToProject: (projectFolder: string, runId: string | null) => void
  #abort: AbortController | null = null
  #isTicking = false
  #isBeside = false
  #follower: WalkFollower | null = null
  /** The person took back a question of this act: what did not happen is what was wanted. */
  #isDeclined = false

  constructor(desk: Desk, layers: Layers, goToProject: (projectFolder: string, runId: string | null) => void) {
    this.#desk = desk
    this.#layers = layers
    this.#goToProject = goToProject
  }

  get isBusy(): boolean {
    return this.#desk.live !== null
  }

  /** Ends the act in the foreground; false when there is none. */
  cancel(reason: string): boolean {
    this.#abort?.abort(new Error(reason))
    return this.#abort !== null
  }

  async start(
    spec: CommandSpec,
    args: Readonly<Record<string, unknown>>,
    via: CommandEnvironment['via'],
  ): Promise<void> {
    const desk = this.#desk
    const abort = new AbortController()
    this.#abort = abort
    this.#isDeclined = false
    desk.live = {
      commandId: spec.id,
      title: spec.title,
      startedAtMs: desk.clock.nowMs(),
      items: [],
      progress: null,
      output: [],
    }
    desk.message = null
    this.#follower = new WalkFollower(desk, this.#layers)
    desk.changed()
    // The act reads the plan as it is now; what it proves must not look stale beside one that was read before.
    void desk.workspace.reloadPlan().catch((error: unknown) => desk.fail(error))
    try {
      const result = await this.#run(spec, args, this.environment(via, abort.signal))
      this.#showWhole(spec, result)
      const { text, tone } = ending(spec, result, { isAborted: abort.signal.aborted, isDeclined: this.#isDeclined })
      desk.say(text, tone)
    } catch (error) {
      if (abort.signal.aborted) desk.say(`${spec.title}: cancelled; what was done so far is recorded`, 'warn')
      else desk.fail(error)
    } finally {
      desk.live = null
      this.#abort = null
      desk.changed()
      // An act may have written files of the project; what is called stale afterwards must rest on them as they are.
      await Promise.all([this.#settle(), desk.workspace.reloadPlan().catch((error: unknown) => desk.fail(error))])
      // What was started just now is looked at without waiting for the next tick.
      if (spec.id === 'launch.start') this.autoTick()
    }
  }

  /** An act that does not wait for the one in the foreground, such as stopping what that one starts. One at a time. */
  async beside(
    spec: CommandSpec,
    args: Readonly<Record<string, unknown>>,
    via: CommandEnvironment['via'],
  ): Promise<void> {
    const desk = this.#desk
    if (this.#isBeside) return desk.say(`${spec.title} is running already`, 'warn')
    this.#isBeside = true
    try {
      const environment: CommandEnvironment = {
        ...this.environment(via, new AbortController().signal),
        progress: ({ result }) => this.#found(result),
      }
      const result = await this.#run(spec, args, environment)
      this.#showWhole(spec, result)
      desk.say(result.summary, result.exitCode === 3 ? 'warn' : result.exitCode === 0 ? 'info' : 'error')
    } catch (error) {
      desk.fail(error)
    } finally {
      this.#isBeside = false
      await this.#settle()
    }
  }

  /**
   * One look at the run by itself, at most one at a time; it leaves no cell, what it finds is recorded. False when none
   * begins: then nothing will be drawn anew at its end.
   */
  autoTick(): boolean {
    const desk = this.#desk
    const spec = desk.registry.get('patrol.tick')
    if (spec === undefined || this.#isTicking || this.isBusy || whyDisabled(spec, desk.commandState()) !== null)
      return false
    this.#isTicking = true
    const environment = this.environment('auto', new AbortController().signal)
    void this.#run(spec, {}, environment)
      .catch((error: unknown) => desk.fail(error))
      .finally(() => {
        this.#isTicking = false
        return this.#settle()
      })
    return true
  }

  async #run(spec: CommandSpec, args: Readonly<Record<string, unknown>>, env: CommandEnvironment): Promise<ActResult> {
    if (spec.run === undefined) throw new Error(`${spec.id} has no act`)
    const result = await spec.run(env, args)
    if (spec.id === 'patrol.tick' && env.runId !== null && isObservation(result.data))
      this.#desk.observed = { runId: env.runId, observation: result.data }
    return result
  }

  /** The next act of a walk begins: its screen is shown, with what the one before it left on record. */
  #beginStep(commandId: string): void {
    this.#follower?.step(commandId)
    void this.#desk.workspace.refresh().catch((error: unknown) => this.#desk.fail(error))
  }

  /** A look of a walk, which is drawn as one of our own. */
  #seen(observation: Observation): void {
    const desk = this.#desk
    const runId = desk.workspace.run()?.runId
    if (runId === undefined) return
    desk.observed = { runId, observation }
    desk.nowMs = desk.clock.nowMs()
    desk.loadSoon()
  }

  /** What a search of the notebook has found so far is drawn as it comes; recipes that are offered are gone to. */
  #found(result: unknown): void {
    if (isOffer(result)) return showOffer(this.#desk, result)
    if (!isHits(result)) return
    this.#desk.hits = result
    this.#desk.changed()
  }

  #showWhole(spec: CommandSpec, { lines = [], summary }: ActResult): void {
    if (spec.isShownWhole !== true || lines.length === 0) return
    this.#layers.wholeMessage.open({ text: this.#desk.words([...lines, summary].join('\n').trimEnd()), tone: 'info' })
  }

  async #settle(): Promise<void> {
    const desk = this.#desk
    await desk.workspace.refresh().catch((error: unknown) => desk.fail(error))
    desk.nowMs = desk.clock.nowMs()
    desk.loadSoon()
    desk.changed()
  }

  async #ask(question: DialogQuestion): Promise<string | null> {
    const answer = await this.#layers.ask(question)
    if (answer === null) this.#isDeclined = true
    return answer
  }

  /** What an act is given here. */
  environment(via: CommandEnvironment['via'], signal: AbortSignal): CommandEnvironment {
    const desk = this.#desk
    return {
      projectFolder: desk.workspace.projectFolder,
      via,
      who: desk.who,
      runId: desk.workspace.run()?.runId ?? null,
      settings: desk.settings,
      signal,
      ask: {
        confirm: async (title, lines) => (await this.#ask({ kind: 'confirm', title, lines })) === 'yes',
        typed: (title, expected, lines) => this.#ask({ kind: 'typed', title, expected, lines }),
        text: (title, initial) => this.#ask({ kind: 'text', title, lines: [], initial }),
      },
      progress: (progress) => {
        if (via === 'auto' || desk.live === null) return
        desk.live = withProgress(desk.live, progress)
        if (progress.commandId !== undefined) this.#beginStep(progress.commandId)
        if (isObservation(progress.result)) this.#seen(progress.result)
        this.#found(progress.result)
        desk.changed()
      },
      openRun: (runId, projectFolder, cellId) => {
        if (projectFolder !== undefined && projectFolder !== desk.workspace.projectFolder)
          return this.#goToProject(projectFolder, runId)
        void desk.workspace.openRun(runId).then(() => {
          desk.do({ type: 'open-run', runId })
          if (cellId !== undefined) showCell(desk, cellId)
        })
      },
    }
  }
}

function isHits(data: unknown): data is CellHits {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'cell-hits'
}

function stoppedAt(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'stoppedAt' in data ? data.stoppedAt : null
}

/** What is said at the end of an act: what happened, why, and what to do next where it did not do what was asked. */
function ending(
  spec: CommandSpec,
  result: ActResult,
  how: { readonly isAborted: boolean; readonly isDeclined: boolean },
): Message {
  if (how.isAborted) return { text: `${spec.title}: cancelled; ${result.summary}`, tone: 'warn' }
  if (result.exitCode === 0) return { text: result.summary, tone: 'info' }
  // A walk that went as far as it may is no trouble: what is left is a person's to do.
  if (spec.id === 'walk.auto' && result.exitCode === 3 && stoppedAt(result.data) === 'teardown.remove')
    return { text: result.summary, tone: 'info' }
  if (how.isDeclined && result.exitCode === 3)
    return {
      text: `${spec.title}: ${spec.id === 'walk.auto' ? result.summary : 'taken back, nothing was done'}`,
      tone: 'info',
    }
  // What an act found stands on its screen where it made a proof; elsewhere this is the only place for it.
  const lines = result.proof === undefined && spec.isShownWhole !== true ? (result.lines ?? []) : []
  return { text: [result.summary, ...lines].join('\n'), tone: result.exitCode === 3 ? 'warn' : 'error' }
}

function isObservation(data: unknown): data is Observation {
  return typeof data === 'object' && data !== null && 'decision' in data && 'units' in data
}
