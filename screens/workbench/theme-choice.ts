import type { Terminal } from '../../src/terminal/session.ts'
import { makeTheme, type Theme, type ThemeName } from '../../src/ui/theme.ts'

/** What was said on the command line about how things look. */
export interface ThemeFlags {
  readonly theme: string | null
  readonly isAscii: boolean
  readonly isColourless: boolean
}

const themeNames: readonly string[] = ['dark', 'light', 'ansi16', 'mono']
const depths = { none: 1, '16': 4, '256': 8, truecolor: 24 } as const

/** The theme for this terminal: what was asked for by flag, else by settings, else what fits its background and depth. */
export function themeFor(
  terminal: Terminal,
  options: ThemeFlags,
  wanted: ThemeName | 'auto',
  isAscii: boolean,
  color: 'auto' | 'always' | 'never' = 'auto',
): Theme {
  const { colorDepth, background, unicode } = terminal.capabilities
  const asked = options.theme !== null && themeNames.includes(options.theme) ? (options.theme as ThemeName) : wanted
  const name = asked === 'auto' ? (background === 'light' ? 'light' : 'dark') : asked
  const depth = options.isColourless || color === 'never' ? 1 : depths[String(colorDepth) as keyof typeof depths]
  const isUnicode = unicode && !options.isAscii && !isAscii
  terminal.setAscii(!isUnicode)
  return makeTheme({ name, colorDepth: depth ?? 4, isUnicode })
}
