import { Replaced } from './growing.ts'
import type { Format, RunReader } from './types.ts'

/** Times that a run may be begun anew in one go: a writer that replaces its file all the time is looked at later. */
const mostRenewals = 3

/** A reader that begins anew, with an empty sink, when a file that was read has been replaced. */
export function renewing(format: Format, make: () => RunReader): RunReader {
  let reader = make()
  return {
    format,
    async advance(sink, signal) {
      for (let renewals = 0; ; renewals++) {
        try {
          return await reader.advance(sink, signal)
        } catch (error) {
          if (!(error instanceof Replaced) || renewals >= mostRenewals) throw error
          await reader.close()
          reader = make()
          sink.reset()
        }
      }
    },
    close: () => reader.close(),
  }
}
