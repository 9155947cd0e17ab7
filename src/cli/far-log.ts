import { setTimeout as wait } from 'node:timers/promises'
import type { Host } from '../host/types.ts'
import { createTailFollower, type TailFollower } from '../session/tail-follower.ts'
import type { FarLook, UnitLog } from '../session/view.ts'
import type { SecretSet } from '../text/redact.ts'
import { sanitiseLine } from '../text/sanitise.ts'

/** Between the beginnings of two looks, of whatever log. */
export const betweenLooksMs = 1000
/** A look that has no answer by then is said to have none. */
const deadlineMs = 10_000

/** One log on another machine. */
export interface FarPlace {
  readonly unit: string
  readonly host: string
  /** Absolute path there. */
  readonly path: string
}

export interface FarLogReader {
  /**
   * The log as it is known after a look that was due: at most one a second and one under way at a host, over a link that is up
   * already. Another place than before begins another log; the same one goes on where it was, also after a lost link.
   */
  look(place: FarPlace): Promise<UnitLog & { readonly far: FarLook; readonly isBehind: boolean }>
}

export interface FarLogDeps {
  /** An open link that is up, to be closed; null: there is none. Must ask nobody. */
  readonly open: (host: string) => Promise<Host | null>
  /** What must not be seen in any log. */
  readonly secrets: () => Promise<SecretSet | null>
  readonly deadlineMs?: number
  /** Between the beginnings of two looks. */
  readonly betweenMs?: number
}

interface Held {
  readonly place: FarPlace
  follower: TailFollower | null
  seen: UnitLog & { readonly far: FarLook; readonly isBehind: boolean }
  isTried: boolean
}

/** Reads the one log of another machine that a pane shows. */
export function farLogReader(deps: FarLogDeps): FarLogReader {
  const { open, secrets, deadlineMs: mostMs = deadlineMs, betweenMs = betweenLooksMs } = deps
  let current: Held | null = null
  let beganAt = Number.NEGATIVE_INFINITY
  let turn: Promise<void> | null = null
  /** Requests by host: after its deadline one may still be on its way, and then no other is begun there. */
  const underWay = new Map<string, { readonly held: Held; readonly work: Promise<void> }>()

  const put = (held: Held, far: Partial<FarLook>, more: Partial<Pick<Held['seen'], 'log' | 'isBehind'>> = {}) => {
    held.seen = { ...held.seen, ...more, far: { ...held.seen.far, ...far } }
  }
  const request = async (held: Held, host: Host) => {
    try {
      held.follower ??= createTailFollower(await secrets())
      const { log, isThere, isBehind } = await held.follower.look((from, length) =>
        host.tail(held.place.path, from, length),
      )
      // A file that was never there has no log; an empty one would look like one that was read.
      const isNothing = !isThere && held.seen.log === null
      put(held, { readAtMs: Date.now(), isThere, trouble: null }, isNothing ? {} : { log, isBehind })
    } catch (error) {
      put(held, { trouble: sanitiseLine(error instanceof Error ? error.message : String(error), 300) })
    } finally {
      await host.close()
    }
  }
  const answered = async (held: Held, work: Promise<void>) => {
    const late = new AbortController()
    const isLate = await Promise.race([
      work.then(() => false),
      wait(mostMs, true, { signal: late.signal, ref: false }).catch(() => true),
    ])
    late.abort()
    if (isLate) put(held, { trouble: `${held.place.host} has not answered for ${Math.round(mostMs / 1000)} s` })
  }
  const once = async () => {
    const early = beganAt + betweenMs - performance.now()
    if (early > 0) await wait(early)
    const held = current
    if (held === null) return
    held.isTried = true
    const name = held.place.host
    const before = underWay.get(name)
    if (before !== undefined) {
      await answered(held, before.work)
      if (before.held === held || underWay.has(name)) return
    }
    beganAt = performance.now()
    const host = await open(name)
    // Without a link there is nothing to try: how the link is says why.
    if (host === null) return put(held, { isLinked: false, trouble: null })
    put(held, { isLinked: true })
    const work = request(held, host).finally(() => underWay.delete(name))
    underWay.set(name, { held, work })
    await answered(held, work)
  }
  const next = () => {
    turn ??= once().finally(() => {
      turn = null
    })
    return turn
  }

  return {
    look: async (place) => {
      if (current === null || !isSamePlace(current.place, place)) current = heldOf(place)
      const held = current
      await next()
      // That turn may have been begun for the log that was shown before.
      if (held === current && !held.isTried) await next()
      return held.seen
    },
  }
}

const isSamePlace = (a: FarPlace, b: FarPlace) => a.host === b.host && a.path === b.path && a.unit === b.unit

const heldOf = (place: FarPlace): Held => ({
  place,
  follower: null,
  seen: {
    unit: place.unit,
    log: null,
    isBehind: false,
    far: { host: place.host, readAtMs: null, isThere: false, isLinked: false, trouble: null },
  },
  isTried: false,
})
