/** The little of blessed and blessed-contrib that the chart painter uses. Neither ships types. */
declare module 'blessed' {
  export interface BlessedScreen {
    append(element: unknown): void
    remove(element: unknown): void
    render(): void
    screenshot(): string
    destroy(): void
  }
  const blessed: { screen(options: Record<string, unknown>): BlessedScreen }
  // biome-ignore lint/style/noDefaultExport: this is what the package exports
  export default blessed
}

declare module 'blessed-contrib/lib/widget/charts/line.js' {
  export interface LineWidget {
    setData(
      series: readonly { title: string; x: readonly string[]; y: readonly number[]; style: { line: string } }[],
    ): void
  }
  const Line: new (options: Record<string, unknown>) => LineWidget
  // biome-ignore lint/style/noDefaultExport: this is what the package exports
  export default Line
}
