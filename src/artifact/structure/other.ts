import type { Checker } from './kit.ts'
import { NotCheckable } from './kit.ts'

/** A kind that kx does not know from inside: size and hash are all there is. */
export const checkOther: Checker = async (probe) => {
  probe.note(`${probe.bytes} bytes`)
  throw new NotCheckable('no format is declared: only size and hash can be shown')
}
