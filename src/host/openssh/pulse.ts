import type { Runner } from './runner.ts'

/** As often as over ssh2, and old after as long (handbook ssh 8.1). */
const beatSeconds = 5
const staleSeconds = 12
/** The keepalive of `ssh` has ended a dead connection before this. */
const answerSeconds = 45

/**
 * Listens whether the other side still answers: `ssh` itself says nothing of a silent link until it gives it up. Tells
 * the connector; one question at a time.
 */
export function startPulse(runner: Runner): () => void {
  const { connector } = runner
  let isAsking = false
  const beat = async () => {
    const master = connector.open
    if (master === null) return
    if (!(await master.isAlive())) return connector.lost(master)
    if (isAsking) {
      if (performance.now() - connector.heardAt > staleSeconds * 1000) connector.silent()
      return
    }
    isAsking = true
    const given = { timeoutSeconds: answerSeconds }
    const ran = (await runner.ask('true', [], given)) ?? (await runner.run(['true'], given))
    isAsking = false
    if (ran.ending.kind === 'exited') connector.heard()
  }
  const timer = setInterval(
    () =>
      void beat().catch(() => {
        isAsking = false
      }),
    beatSeconds * 1000,
  )
  timer.unref()
  return () => clearInterval(timer)
}
