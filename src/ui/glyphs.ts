/** How one thing stands. Every mark has a word beside its glyph, so that colour alone never says anything. */
export type Mark = 'pass' | 'fail' | 'unknown' | 'na' | 'stale' | 'running' | 'blocked' | 'todo'

/** How much a finding weighs. */
export type Weight = 'info' | 'warn' | 'error'

export interface BorderGlyphs {
  readonly topLeft: string
  readonly top: string
  readonly topRight: string
  readonly left: string
  readonly bottomLeft: string
  readonly bottom: string
  readonly bottomRight: string
  readonly right: string
}

export interface Glyphs {
  readonly isUnicode: boolean
  readonly mark: Readonly<Record<Mark, string>>
  readonly weight: Readonly<Record<Weight, string>>
  /** Stands before the row that the cursor is on. */
  readonly cursor: string
  readonly focus: string
  readonly ellipsis: string
  readonly bullet: string
  readonly open: string
  readonly closed: string
  readonly sortUp: string
  readonly sortDown: string
  readonly above: string
  readonly below: string
  readonly rule: string
  readonly divider: string
  readonly barFull: string
  readonly barEmpty: string
  /** From low to high. */
  readonly levels: readonly string[]
  readonly border: BorderGlyphs
  readonly focusedBorder: BorderGlyphs
}

const words: Readonly<Record<Mark, string>> = {
  pass: 'pass',
  fail: 'fail',
  unknown: 'unknown',
  na: 'n/a',
  stale: 'stale',
  running: 'running',
  blocked: 'blocked',
  todo: 'to do',
}

export const unicodeGlyphs: Glyphs = {
  isUnicode: true,
  mark: { pass: '✓', fail: '✗', unknown: '?', na: '–', stale: '!', running: '●', blocked: '■', todo: '○' },
  weight: { info: 'i', warn: '!', error: '!!' },
  cursor: '▸',
  focus: '◆',
  ellipsis: '…',
  bullet: '•',
  open: '▾',
  closed: '▸',
  sortUp: '↑',
  sortDown: '↓',
  above: '↑',
  below: '↓',
  rule: '─',
  divider: '│',
  barFull: '█',
  barEmpty: '░',
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  border: {
    topLeft: '┌',
    top: '─',
    topRight: '┐',
    left: '│',
    bottomLeft: '└',
    bottom: '─',
    bottomRight: '┘',
    right: '│',
  },
  focusedBorder: {
    topLeft: '┏',
    top: '━',
    topRight: '┓',
    left: '┃',
    bottomLeft: '┗',
    bottom: '━',
    bottomRight: '┛',
    right: '┃',
  },
}

export const asciiGlyphs: Glyphs = {
  isUnicode: false,
  mark: {
    pass: '[x]',
    fail: '[!]',
    unknown: '[?]',
    na: '[-]',
    stale: '[~]',
    running: '[>]',
    blocked: '[#]',
    todo: '[ ]',
  },
  weight: { info: 'i', warn: '!', error: '!!' },
  cursor: '>',
  focus: '*',
  ellipsis: '~',
  bullet: '*',
  open: 'v',
  closed: '>',
  sortUp: '^',
  sortDown: 'v',
  above: '^',
  below: 'v',
  rule: '-',
  divider: '|',
  barFull: '#',
  barEmpty: '.',
  levels: ['_', '.', '-', '=', '+', '*', '%', '#'],
  border: {
    topLeft: '+',
    top: '-',
    topRight: '+',
    left: '|',
    bottomLeft: '+',
    bottom: '-',
    bottomRight: '+',
    right: '|',
  },
  focusedBorder: {
    topLeft: '#',
    top: '=',
    topRight: '#',
    left: '#',
    bottomLeft: '#',
    bottom: '=',
    bottomRight: '#',
    right: '#',
  },
}

/** The word of a mark, such as `n/a`. */
export function markWord(mark: Mark): string {
  return words[mark]
}

/** Glyph and word, such as `✓ pass` or `[x] pass`. */
export function markText(mark: Mark, glyphs: Glyphs = unicodeGlyphs): string {
  return `${glyphs.mark[mark]} ${words[mark]}`
}

/**
 * The mark for a word of another room (`not-applicable`, `passed`, `finished`, `dead`, …). A word that is not known here
 * becomes `unknown`: never anything that reads as good.
 */
export function markOf(word: string): Mark {
  switch (word) {
    case 'pass':
    case 'passed':
    case 'finished':
    case 'done':
      return 'pass'
    case 'fail':
    case 'failed':
    case 'dead':
      return 'fail'
    case 'not-applicable':
    case 'na':
      return 'na'
    case 'stale':
    case 'stalled':
      return 'stale'
    case 'running':
      return 'running'
    case 'blocked':
      return 'blocked'
    case 'todo':
    case 'waiting':
      return 'todo'
    default:
      return 'unknown'
  }
}
