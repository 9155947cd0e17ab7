import { Box, Text } from 'ink'
import { memo, useEffect, useState } from 'react'
import { type ChartModel, chartFallback, prepareChart } from './chart-model.ts'
import { type ChartColors, cachedPainter, loadChartPainter } from './chart-painter.ts'
import { Label } from './label.tsx'
import { cut } from './text-fit.ts'
import type { ThemeName } from './theme.ts'
import { useTheme } from './theme-context.tsx'

export interface ChartProps extends ChartModel {
  /** Which chart this is: the key of its cached drawing. */
  readonly id: string
  /** Changes when the data does. */
  readonly version: number | string
  readonly width: number
  readonly height: number
}

type Paint = ReturnType<typeof cachedPainter>

let loading: Promise<Paint | null> | undefined
/** One painter for all charts, loaded with the first that is drawn; null where it cannot be. */
function sharedPainter(): Promise<Paint | null> {
  loading ??= loadChartPainter().then(cachedPainter, () => null)
  return loading
}

/** Names as blessed knows them; the 256 colours are enough to tell four curves apart. */
const colorsOf: Readonly<Record<ThemeName, ChartColors>> = {
  dark: { lines: ['cyan', 'yellow', 'magenta', 'green'], axes: 'white' },
  light: { lines: ['blue', 'red', 'magenta', 'green'], axes: 'black' },
  ansi16: { lines: ['cyan', 'yellow', 'magenta', 'green'], axes: 'white' },
  mono: { lines: [], axes: 'white' },
}

/** A line chart with a caption. Until the painter is there, and without Unicode, it is a row a curve. */
export const Chart = memo(function Chart(props: ChartProps) {
  const { id, version, width, height, series, unit = '' } = props
  const { glyphs, name } = useTheme()
  const [paint, setPaint] = useState<Paint | null>(null)
  const wantsPainter = glyphs.isUnicode
  useEffect(() => {
    if (!wantsPainter) return
    let isMounted = true
    void sharedPainter().then((loaded) => {
      if (isMounted) setPaint(() => loaded)
    })
    return () => {
      isMounted = false
    }
  }, [wantsPainter])
  const exponent = prepareChart(props, width)?.exponent ?? 0
  const scale = [exponent === 0 ? '' : `x 1e${exponent}`, unit].filter((w) => w !== '').join(' ')
  const drawn = wantsPainter && paint !== null ? paint(id, version, props, width, height - 1, colorsOf[name]) : null
  const colors = colorsOf[name].lines
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {drawn === null ? (
        chartFallback(props, width, height, glyphs).map((row, i) => <Label key={series[i]?.title ?? i} text={row} />)
      ) : (
        <>
          <Box height={1} flexShrink={0}>
            {series.map((s, i) => (
              <Text
                key={s.title}
                wrap="truncate"
                {...(colors.length === 0 ? {} : { color: colors[i % colors.length] ?? 'white' })}
              >
                {cut(`${i === 0 ? '' : '  '}${glyphs.rule}${glyphs.rule} ${s.title}`, 30, glyphs.ellipsis)}
              </Text>
            ))}
            {scale === '' ? null : <Label text={`  ${scale}`} token="text.muted" />}
          </Box>
          {drawn.map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is known by its place
            <Text key={i} wrap="truncate">
              {row === '' ? ' ' : row}
            </Text>
          ))}
        </>
      )}
    </Box>
  )
})
