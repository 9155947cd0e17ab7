import { asciiGlyphs, type Glyphs, type Mark, unicodeGlyphs, type Weight } from './glyphs.ts'

/** What a piece of text means. Components name tokens, never colours. */
export const tokens = [
  'text.normal',
  'text.muted',
  'text.strong',
  'state.pass',
  'state.fail',
  'state.unknown',
  'state.na',
  'state.stale',
  'state.running',
  'state.blocked',
  'state.todo',
  'severity.info',
  'severity.warn',
  'severity.error',
  'accent',
  'border',
  'border.focused',
  'selection',
  'meter.low',
  'meter.mid',
  'meter.high',
  'diff.added',
  'diff.removed',
  'diff.changed',
  'curve.1',
  'curve.2',
  'curve.3',
  'curve.4',
  'curve.5',
  'curve.6',
  'curve.7',
  'curve.8',
] as const
export type Token = (typeof tokens)[number]

/** How a token is drawn. Names are those of Ink's text. */
export interface Style {
  readonly color?: string
  readonly backgroundColor?: string
  readonly bold?: boolean
  readonly dimColor?: boolean
  readonly underline?: boolean
  readonly inverse?: boolean
}

export type ThemeName = 'dark' | 'light' | 'ansi16' | 'mono'
/** Bits of colour that the terminal has. 1 stands for none, as with NO_COLOR. */
export type ColorDepth = 1 | 4 | 8 | 24

export interface Theme {
  readonly name: ThemeName
  readonly styles: Readonly<Record<Token, Style>>
  readonly glyphs: Glyphs
}

/** Hues after Okabe and Ito, which people with any common colour blindness can tell apart. */
const dark: Record<Token, Style> = {
  'text.normal': {},
  'text.muted': { color: '#9a9a9a' },
  'text.strong': { bold: true },
  'state.pass': { color: '#2fc796' },
  'state.fail': { color: '#ff7a45', bold: true },
  'state.unknown': { color: '#e69fdc' },
  'state.na': { color: '#9a9a9a' },
  'state.stale': { color: '#f0c040' },
  'state.running': { color: '#56b4e9' },
  'state.blocked': { color: '#ff7a45' },
  'state.todo': { color: '#9a9a9a' },
  'severity.info': { color: '#56b4e9' },
  'severity.warn': { color: '#f0c040' },
  'severity.error': { color: '#ff7a45', bold: true },
  accent: { color: '#56b4e9' },
  border: { color: '#6c6c6c' },
  'border.focused': { color: '#56b4e9', bold: true },
  selection: { backgroundColor: '#2d3b4d', bold: true },
  'meter.low': { color: '#2fc796' },
  'meter.mid': { color: '#f0c040' },
  'meter.high': { color: '#ff7a45' },
  'diff.added': { color: '#2fc796' },
  'diff.removed': { color: '#ff7a45' },
  'diff.changed': { color: '#f0c040' },
  'curve.1': { color: '#56b4e9' },
  'curve.2': { color: '#f0c040' },
  'curve.3': { color: '#2fc796' },
  'curve.4': { color: '#e69fdc' },
  'curve.5': { color: '#ff7a45' },
  'curve.6': { color: '#a9a2ff' },
  'curve.7': { color: '#c3d36b' },
  'curve.8': { color: '#d0d0d0' },
}

const light: Record<Token, Style> = {
  'text.normal': {},
  'text.muted': { color: '#5f5f5f' },
  'text.strong': { bold: true },
  'state.pass': { color: '#00674a' },
  'state.fail': { color: '#b03a00', bold: true },
  'state.unknown': { color: '#8e3a78' },
  'state.na': { color: '#5f5f5f' },
  'state.stale': { color: '#7a5900' },
  'state.running': { color: '#00568a' },
  'state.blocked': { color: '#b03a00' },
  'state.todo': { color: '#5f5f5f' },
  'severity.info': { color: '#00568a' },
  'severity.warn': { color: '#7a5900' },
  'severity.error': { color: '#b03a00', bold: true },
  accent: { color: '#00568a' },
  border: { color: '#8a8a8a' },
  'border.focused': { color: '#00568a', bold: true },
  selection: { backgroundColor: '#cfe2f3', bold: true },
  'meter.low': { color: '#00674a' },
  'meter.mid': { color: '#7a5900' },
  'meter.high': { color: '#b03a00' },
  'diff.added': { color: '#00674a' },
  'diff.removed': { color: '#b03a00' },
  'diff.changed': { color: '#7a5900' },
  'curve.1': { color: '#00568a' },
  'curve.2': { color: '#7a5900' },
  'curve.3': { color: '#00674a' },
  'curve.4': { color: '#8e3a78' },
  'curve.5': { color: '#b03a00' },
  'curve.6': { color: '#4a3fb0' },
  'curve.7': { color: '#56680a' },
  'curve.8': { color: '#404040' },
}

const ansi16: Record<Token, Style> = {
  'text.normal': {},
  'text.muted': { dimColor: true },
  'text.strong': { bold: true },
  'state.pass': { color: 'green' },
  'state.fail': { color: 'red', bold: true },
  'state.unknown': { color: 'magenta' },
  'state.na': { dimColor: true },
  'state.stale': { color: 'yellow' },
  'state.running': { color: 'cyan' },
  'state.blocked': { color: 'red' },
  'state.todo': { dimColor: true },
  'severity.info': { color: 'cyan' },
  'severity.warn': { color: 'yellow' },
  'severity.error': { color: 'red', bold: true },
  accent: { color: 'cyan' },
  border: { dimColor: true },
  'border.focused': { color: 'cyan', bold: true },
  selection: { inverse: true },
  'meter.low': { color: 'green' },
  'meter.mid': { color: 'yellow' },
  'meter.high': { color: 'red' },
  'diff.added': { color: 'green' },
  'diff.removed': { color: 'red' },
  'diff.changed': { color: 'yellow' },
  'curve.1': { color: 'cyan' },
  'curve.2': { color: 'yellow' },
  'curve.3': { color: 'green' },
  'curve.4': { color: 'magenta' },
  'curve.5': { color: 'red' },
  'curve.6': { color: 'blueBright' },
  'curve.7': { color: 'white' },
  'curve.8': { color: 'gray' },
}

const mono: Record<Token, Style> = {
  'text.normal': {},
  'text.muted': {},
  'text.strong': { bold: true },
  'state.pass': {},
  'state.fail': { bold: true },
  'state.unknown': { underline: true },
  'state.na': {},
  'state.stale': { underline: true },
  'state.running': {},
  'state.blocked': { bold: true },
  'state.todo': {},
  'severity.info': {},
  'severity.warn': { underline: true },
  'severity.error': { bold: true },
  accent: { bold: true },
  border: {},
  'border.focused': { bold: true },
  selection: { inverse: true },
  'meter.low': {},
  'meter.mid': {},
  'meter.high': { bold: true },
  'diff.added': {},
  'diff.removed': { bold: true },
  'diff.changed': { underline: true },
  'curve.1': {},
  'curve.2': {},
  'curve.3': {},
  'curve.4': {},
  'curve.5': {},
  'curve.6': {},
  'curve.7': {},
  'curve.8': {},
}

const styles: Readonly<Record<ThemeName, Readonly<Record<Token, Style>>>> = { dark, light, ansi16, mono }

/** Builds a theme. A terminal with less colour than the theme wants gets `ansi16` or `mono` instead. */
export function makeTheme(options: {
  readonly name: ThemeName
  readonly colorDepth: ColorDepth
  readonly isUnicode: boolean
}): Theme {
  const glyphs = options.isUnicode ? unicodeGlyphs : asciiGlyphs
  const name =
    options.colorDepth === 1 ? 'mono' : options.colorDepth === 4 && options.name !== 'mono' ? 'ansi16' : options.name
  return { name, styles: styles[name], glyphs }
}

/** Tokens of curves, in order; beside each stands its letter, so that no colour is needed. */
export const curveTokens = [
  'curve.1',
  'curve.2',
  'curve.3',
  'curve.4',
  'curve.5',
  'curve.6',
  'curve.7',
  'curve.8',
] as const satisfies readonly Token[]

/** Token of a mark. */
export function markToken(mark: Mark): Token {
  return `state.${mark}`
}

/** Token of a severity. */
export function weightToken(weight: Weight): Token {
  return `severity.${weight}`
}
