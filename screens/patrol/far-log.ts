import { isLost, type LinkView, linkWords } from '../../src/session/link-words.ts'
import type { FarLook } from '../../src/session/view.ts'
import { ageText } from '../workbench/ages.ts'

export interface FarLogWords {
  /** For the title of the pane, from the longest; empty: what is shown is what is there. */
  readonly note: readonly string[]
  /** In place of a log that is not held. */
  readonly empty: string
}

/** Why what is held of a log may not be what is there now, the long and the short of it; null: it was just read. */
function whyOld(
  far: FarLook,
  link: LinkView | undefined,
  nowMs: number,
  reconnectKey: string,
): readonly [string, string] | null {
  if (link === undefined) return [`no link to ${far.host}, r looks there`, 'no link']
  if (isLost(link) || link.status.state !== 'up')
    return [linkWords(link, nowMs, reconnectKey, true), linkWords(link, nowMs, '', true).split(',')[0] ?? '']
  if (far.trouble !== null) return [far.trouble, 'not read']
  if (far.readAtMs !== null && far.readAtMs < (link.backAtMs ?? 0)) return ['link up again, not read since', 'not read']
  return null
}

/** What is said of a log on another machine beside its lines: nothing that is old or was not read is passed off as it is. */
export function farLogWords(
  far: FarLook,
  hasLog: boolean,
  link: LinkView | undefined,
  nowMs: number,
  reconnectKey: string,
): FarLogWords {
  const why = whyOld(far, link, nowMs, reconnectKey)
  const read = far.readAtMs === null ? '' : `, read ${ageText(nowMs - far.readAtMs)}`
  if (!hasLog) {
    if (why !== null) {
      const before = far.readAtMs === null ? '' : `; there was none ${ageText(nowMs - far.readAtMs)}`
      return { note: [`! ${why[1]}`, '!'], empty: `log not read: ${why[0]}${before}` }
    }
    return {
      note: [],
      empty: far.readAtMs === null ? `reading from ${far.host}` : `nothing written yet on ${far.host}`,
    }
  }
  if (why !== null)
    return { note: [`! ${why[0]}${read}`, `! ${why[1]}${read}`, `!${read.slice(1)}`, '! old'], empty: '' }
  if (!far.isThere) return { note: [`! no longer on ${far.host}${read}`, '! gone'], empty: '' }
  return { note: [], empty: `nothing written yet on ${far.host}` }
}
