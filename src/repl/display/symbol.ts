/** A value that carries this knows how it wants to be shown: a display, or a function that gives one. */
export const displaySymbol = Symbol.for('kx.display')

/** How a value is shown. Plain data. */
export type Display =
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }
  | { readonly kind: 'chart'; readonly series: readonly ChartSeries[]; readonly title: string }
  | { readonly kind: 'sparkline'; readonly values: readonly (number | null)[] }
  | { readonly kind: 'diff'; readonly lines: readonly { readonly sign: ' ' | '-' | '+'; readonly text: string }[] }
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'usd'; readonly usd: number }
  | { readonly kind: 'text'; readonly text: string; readonly isError?: boolean }

export interface ChartSeries {
  readonly name: string
  readonly values: readonly (number | null)[]
}

/** The value itself is kept as it is; only its show is added, unseen by whoever walks its keys. */
export function withDisplay<T extends object>(value: T, display: Display): T {
  return Object.defineProperty(value, displaySymbol, { value: display, enumerable: false, configurable: true })
}
