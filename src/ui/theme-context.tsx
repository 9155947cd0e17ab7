import { createContext, type ReactNode, use } from 'react'
import { makeTheme, type Theme } from './theme.ts'

/** Without a provider nothing is assumed of the terminal: no colour, ASCII only. */
const ThemeContext = createContext<Theme>(makeTheme({ name: 'mono', colorDepth: 1, isUnicode: false }))

/** Gives all widgets below it their theme. */
export function ThemeProvider(props: { readonly theme: Theme; readonly children?: ReactNode }) {
  return <ThemeContext value={props.theme}>{props.children}</ThemeContext>
}

/** The theme of the nearest provider. */
export function useTheme(): Theme {
  return use(ThemeContext)
}
