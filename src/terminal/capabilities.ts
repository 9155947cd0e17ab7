import type { TerminalReply } from './events.ts'
import type { ColorDepth } from './sgr.ts'

export type { ColorDepth } from './sgr.ts'

/** What the terminal can show. `sync` and `background` may arrive after the first frame. */
export interface Capabilities {
  readonly colorDepth: ColorDepth
  readonly background: 'dark' | 'light' | 'unknown'
  readonly unicode: boolean
  /** Synchronized output (DEC mode 2026), true only after the terminal said so. */
  readonly sync: boolean
}

type Env = Readonly<Record<string, string | undefined>>

/** Asks for mode 2026 and the background; the device attributes that every terminal answers close the questions. */
export const QUERIES = '\u001b[?2026$p\u001b]11;?\u001b\\\u001b[c'

/** What the environment alone tells. `NO_COLOR` wins over everything, then `FORCE_COLOR`, `COLORTERM`, `TERM`. */
export function capabilitiesFromEnv(env: Env): Capabilities {
  return { colorDepth: colorDepthOf(env), background: backgroundOf(env), unicode: hasUnicode(env), sync: false }
}

function colorDepthOf(env: Env): ColorDepth {
  if ((env.NO_COLOR ?? '') !== '') return 'none'
  const forced = { '0': 'none', false: 'none', '1': '16', '2': '256', '3': 'truecolor' }[env.FORCE_COLOR ?? '']
  if (forced !== undefined) return forced as ColorDepth
  const term = env.TERM ?? ''
  if (term === 'dumb') return 'none'
  if (/^(truecolor|24bit)$/i.test(env.COLORTERM ?? '') || /direct/.test(term)) return 'truecolor'
  if (/256/.test(term)) return '256'
  return '16'
}

/** `COLORFGBG=15;0` is set by some terminals: the last number is the background's place in the 16 colours. */
function backgroundOf(env: Env): Capabilities['background'] {
  const last = /;(\d{1,2})$/.exec(env.COLORFGBG ?? '')?.[1]
  if (last === undefined) return 'unknown'
  const index = Number(last)
  return index === 7 || (index >= 9 && index <= 15) ? 'light' : 'dark'
}

/**
 * A locale that names another character set means ASCII, so does the Linux console, whose font lacks most glyphs. No
 * locale at all (a bare container) is taken as UTF-8: what draws is the terminal outside.
 */
function hasUnicode(env: Env): boolean {
  if ((env.KX_ASCII ?? '') !== '' && env.KX_ASCII !== '0') return false
  const term = env.TERM ?? ''
  if (term === 'linux' || term === 'dumb' || term === 'vt100') return false
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return locale === '' || /utf-?8/i.test(locale)
}

/** What one reply of the terminal adds; null when it says nothing about capabilities. */
export function capabilitiesFromReply(reply: TerminalReply): Partial<Capabilities> | null {
  if (reply.kind === 'csi') {
    // DECRPM: 1 set, 2 reset, both mean known; 0 unknown, 4 permanently off.
    const mode = /^\?2026;(\d)\$y$/.exec(reply.body)
    return mode === null ? null : { sync: mode[1] === '1' || mode[1] === '2' || mode[1] === '3' }
  }
  if (reply.kind !== 'osc') return null
  const color = /^11;rgba?:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})/i.exec(reply.body)
  if (color === null) return null
  const [red, green, blue] = color.slice(1, 4).map((part) => Number.parseInt(part, 16) / (16 ** part.length - 1))
  // Relative luminance with the weights of ITU-R BT.709; half is the border.
  const luminance = 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
  return { background: luminance > 0.5 ? 'light' : 'dark' }
}

/** The primary device attributes: the last question is answered, nothing more will come. */
export function isLastReply(reply: TerminalReply): boolean {
  return reply.kind === 'csi' && /^\?[\d;]*c$/.test(reply.body)
}
