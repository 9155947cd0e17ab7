import { createContext, type ReactNode, use, useCallback, useSyncExternalStore } from 'react'
import { Label, type LabelProps } from './label.tsx'

/**
 * The one clock of the screen. Whoever owns it decides when it ticks; with nothing running it does not, and the screen
 * is still. Only leaves listen to it, so a tick never redraws more than the ages that changed.
 */
export interface LeafClock {
  readonly nowMs: () => number
  readonly subscribe: (listener: () => void) => () => void
  /** Tells the leaves to look at the time. */
  readonly tick: () => void
}

/** A clock on a source of time, in milliseconds. It starts no timer. */
export function makeLeafClock(source: () => number): LeafClock {
  const listeners = new Set<() => void>()
  let now = source()
  return {
    nowMs: () => now,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tick: () => {
      now = source()
      for (const listener of listeners) listener()
    },
  }
}

/**
 * A duration in coarse steps, so that an age changes rarely: 5 s steps below a minute, then minutes, hours, days.
 * A time in the future reads `now`.
 */
export function ageText(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown'
  const seconds = Math.floor(ms / 1000)
  if (seconds < 5) return 'now'
  if (seconds < 60) return `${Math.floor(seconds / 5) * 5} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

const ClockContext = createContext<LeafClock | null>(null)

export function ClockProvider(props: { readonly clock: LeafClock; readonly children?: ReactNode }) {
  return <ClockContext value={props.clock}>{props.children}</ClockContext>
}

export interface AgeProps extends Omit<LabelProps, 'text'> {
  /** When it happened; null when that is not known. */
  readonly atMs: number | null
  readonly before?: string
  readonly after?: string
}

const never = () => () => {}

/** How long ago something was, kept true by the shared clock. Redraws only when its words change. */
export function Age({ atMs, before = '', after = '', ...label }: AgeProps) {
  const clock = use(ClockContext)
  const words = useCallback(
    () => (atMs === null ? 'never' : clock === null ? 'unknown' : ageText(clock.nowMs() - atMs)),
    [clock, atMs],
  )
  const text = useSyncExternalStore(clock?.subscribe ?? never, words, words)
  return <Label {...label} text={before + text + after} />
}
