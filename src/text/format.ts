/** Words and numbers for people. Everything pure; what is not known is said to be unknown and never drawn as zero. */

const unknown = 'unknown'
const isKnown = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value)

/** Three significant digits at most, no needless zeros: 1.5, 12.3, 123. */
function short(value: number): string {
  const size = Math.abs(value)
  return value
    .toFixed(size >= 99.95 || Number.isInteger(value) ? 0 : size >= 9.995 ? 1 : 2)
    .replace(/(\.\d*?)0+$/, (_, d) => (d === '.' ? '' : d))
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let size = value
  let step = 0
  // Compare what will be shown, so that 1023.99 KiB becomes 1 MiB and not 1024 KiB.
  while (Math.abs(Number(short(size))) >= base && step < units.length - 1) {
    size /= base
    step++
  }
  return `${short(size)}${units[step] ?? ''}`
}

/** Bytes in powers of 1024: `0 B`, `512 B`, `1.5 KiB`, `24 GiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  return isKnown(bytes) ? scaled(bytes, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB']) : unknown
}

/** A whole number with thin grouping: `1,234,567`. */
export function formatCount(value: number | null | undefined): string {
  return isKnown(value)
    ? Math.round(value)
        .toString()
        .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
    : unknown
}

/** `3 units`, `1 unit`. */
export function plural(count: number, word: string, words = `${word}s`): string {
  return `${formatCount(count)} ${count === 1 ? word : words}`
}

/** How long something takes, in seconds: `0.25 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (!isKnown(seconds)) return unknown
  if (seconds < 0) return `-${formatDuration(-seconds)}`
  if (seconds < 0.0995) return `${short(seconds * 1000)} ms`
  if (seconds < 9.995) return `${short(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return join(Math.floor(whole / 60), 'min', whole % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(seconds / 3600)
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const join = (large: number, unit: string, small: number, smallUnit: string) =>
  small === 0
    ? `${large} ${unit}`
    : `${large} ${unit} ${String(small).padStart(smallUnit === 'h' ? 1 : 2, '0')} ${smallUnit}`

/** Hours as a duration that says itself: `4.6 s`, `18 min`, `2 h 05 min`. */
export function formatHours(hours: number | null | undefined): string {
  return formatDuration(isKnown(hours) ? hours * 3600 : null)
}

/**
 * How old a figure is, in coarse steps, so that a screen changes rarely: `now` (under 5 s), then steps of 5 s, whole
 * minutes, hours, days. A time that lies ahead is `now`.
 */
export function formatAge(ageMs: number | null | undefined): string {
  if (!isKnown(ageMs)) return unknown
  const seconds = Math.floor(ageMs / 1000)
  if (seconds < 5) return 'now'
  if (seconds < 60) return `${Math.floor(seconds / 5) * 5} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** Milliseconds until `formatAge` says something else: when to draw again. */
export function nextAgeChangeMs(ageMs: number): number {
  const age = Math.max(0, ageMs)
  const step = age < 60_000 ? 5000 : age < 3_600_000 ? 60_000 : age < 48 * 3_600_000 ? 3_600_000 : 86_400_000
  return step - (age % step)
}

/** US dollars: `$0.00`, `$12.30`, `$0.0035` (below a cent), `unknown`. */
export function formatUsd(usd: number | null | undefined): string {
  if (!isKnown(usd)) return unknown
  const size = Math.abs(usd)
  const digits = size > 0 && size < 0.01 ? Math.min(8, 1 - Math.floor(Math.log10(size))) : 2
  const [whole, rest] = size.toFixed(digits).split('.')
  return `${usd < 0 ? '-' : ''}$${formatCount(Number(whole))}.${rest}`
}

/** Dollars an hour: `$1.20/h`. */
export function formatUsdPerHour(usdPerHour: number | null | undefined): string {
  return isKnown(usdPerHour) ? `${formatUsd(usdPerHour)}/h` : unknown
}

/** A share between 0 and 1: `0 %`, `97.5 %`, `100 %`. Never rounds up to 100 or down to 0. */
export function formatPercent(share: number | null | undefined): string {
  if (!isKnown(share)) return unknown
  const percent = share * 100
  if (percent > 99.9 && percent < 100) return '> 99.9 %'
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  return `${short(Math.round(percent * 10) / 10)} %`
}

/** A metric: at most `digits` significant digits; NaN and infinities by name. */
export function formatNumber(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return unknown
  if (!Number.isFinite(value)) return String(value)
  return String(Number(value.toPrecision(digits)))
}

/** UTC, to the second: `2026-07-01T12:00:00Z`. */
export function formatTime(atMs: number | null | undefined): string {
  const date = dateOf(atMs)
  return date === null ? unknown : `${date.toISOString().slice(0, 19)}Z`
}

/** For people, to the minute: `2026-07-01 12:00 UTC`. */
export function formatMoment(atMs: number | null | undefined): string {
  const date = dateOf(atMs)
  return date === null ? unknown : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function dateOf(atMs: number | null | undefined): Date | null {
  if (!isKnown(atMs)) return null
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? null : date
}
