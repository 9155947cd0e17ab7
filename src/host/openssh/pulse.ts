import type { OpensshTiming } from './options.ts'
import type { Runner } from './runner.ts'

/** The keepalive of `ssh` has ended a dead connection before this. */
const answerSeconds = 45

/**
 * Listens whether the other side still answers: `ssh` itself says nothing of a silent link until it gives it up, and
 * nothing at all where it hangs. Tells the connector; one question at a time.
 */
export function startPulse(runner: Runner, timing: OpensshTiming): () => void {
  const { connector } = runner
  let isAsking = false
  let isChecking = false
  let askedAt = Number.NEGATIVE_INFINITY
  const beat = async () => {
    const master = connector.open
    if (master === null) return connector.again()
    const silentSeconds = (performance.now() - connector.heardAt) / 1000
    if (isAsking) {
      if (silentSeconds > timing.staleSeconds) connector.silent()
      if (silentSeconds > timing.hungSeconds && !isChecking) await check()
      return
    }
    if (performance.now() - askedAt < timing.beatSeconds * 1000) return
    isAsking = true
    askedAt = performance.now()
    try {
      if (!(await master.isAlive())) return connector.lost(master)
      const given = { timeoutSeconds: answerSeconds }
      const ran = (await runner.ask('true', [], given)) ?? (await runner.run(['true'], given))
      if (ran.ending.kind === 'exited') connector.heard()
      else if (!(await master.isAlive())) connector.lost(master)
    } finally {
      isAsking = false
    }
  }
  /** A master that answers here has a keepalive of its own, which says when the other side is gone. */
  const check = async () => {
    const master = connector.open
    if (master === null) return
    isChecking = true
    try {
      if (!(await master.answers())) connector.abandon(master)
    } finally {
      isChecking = false
    }
  }
  const timer = setInterval(() => void beat().catch(() => {}), timing.tickSeconds * 1000)
  timer.unref()
  return () => clearInterval(timer)
}
