import type { Ending, HostProcess } from '../types.ts'
import type { Session } from './session.ts'

/** A session that has begun, in the form in which every host hands out a process. */
export function openProcess(session: Session): HostProcess {
  let isGivenUp = false
  const ending = session.over.then((): Ending => {
    if (isGivenUp) return { kind: 'unknown', reason: 'kx gave the session up' }
    const said = session.said()
    const reason = `the link broke before the end was seen${said === '' ? '' : `: ${said}`}`
    return session.ending ?? { kind: 'unknown', reason }
  })
  return {
    identity: session.process,
    ending,
    write: (bytes) => session.write(bytes),
    drained: () => session.drained(),
    endInput: () => session.endInput(),
    pause: () => session.pause(),
    resume: () => session.resume(),
    close: () => {
      isGivenUp = session.ending === null
      session.resume()
      session.stop()
    },
  }
}
