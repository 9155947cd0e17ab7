import { type Glyphs, unicodeGlyphs } from './glyphs.ts'
import { oneLine, textWidth, toWidth } from './text-fit.ts'
import type { Token } from './theme.ts'

/** A part of a whole. `fraction` null is not known, which is never drawn as nothing. */
export interface MeterModel {
  readonly label: string
  /** 0 to 1; more is drawn full and keeps its number. */
  readonly fraction: number | null
  /** Right of the bar; the percentage when nothing is given. */
  readonly text?: string
  /** Why it is not known. */
  readonly unknown?: string
  /** Fractions from which it counts as mid and as high. */
  readonly mid?: number
  readonly high?: number
  /** Read too long ago to say how things are now: never drawn as good. */
  readonly isOld?: boolean
}

/** True for a number that can be drawn. */
export function isKnown(fraction: number | null): fraction is number {
  return fraction !== null && Number.isFinite(fraction)
}

/** The value in words: `42 %`, or `unknown` with its reason. */
export function meterValue(model: MeterModel): string {
  if (!isKnown(model.fraction)) return model.unknown === undefined ? 'unknown' : `unknown: ${oneLine(model.unknown)}`
  return model.text ?? `${Math.round(model.fraction * 100)} %`
}

/** Filled and empty part of a bar of `width` cells. Something is never drawn as nothing, nor less than all as all. */
export function meterBar(fraction: number | null, width: number, glyphs: Glyphs): { full: string; empty: string } {
  const cells = Math.max(0, Math.floor(width))
  if (!isKnown(fraction)) return { full: '', empty: '?'.repeat(Math.min(1, cells)).padEnd(cells, ' ') }
  const share = Math.max(0, Math.min(1, fraction))
  let full = Math.round(share * cells)
  if (share > 0 && full === 0) full = Math.min(1, cells)
  if (share < 1 && full === cells && cells > 1) full = cells - 1
  return { full: glyphs.barFull.repeat(full), empty: glyphs.barEmpty.repeat(cells - full) }
}

/** Token of the bar: default thresholds 75 % and 90 %. */
export function meterToken({ fraction, mid = 0.75, high = 0.9, isOld = false }: MeterModel): Token {
  if (!isKnown(fraction)) return 'state.unknown'
  if (isOld) return 'state.stale'
  return fraction >= high ? 'meter.high' : fraction >= mid ? 'meter.mid' : 'meter.low'
}

export interface MeterParts {
  readonly label: string
  readonly full: string
  readonly empty: string
  readonly value: string
}

/** Label, bar and value, together exactly `width` cells. Without room the bar goes first, then the label. */
export function meterParts(model: MeterModel, width: number, labelWidth: number, glyphs: Glyphs): MeterParts {
  const value = toWidth(
    meterValue(model),
    Math.min(width, Math.max(7, textWidth(meterValue(model)))),
    'right',
    glyphs.ellipsis,
  )
  const left = width - textWidth(value) - 1
  const label = left < 4 ? '' : `${toWidth(model.label, Math.min(labelWidth, left - 1), 'left', glyphs.ellipsis)} `
  const room = left - textWidth(label)
  if (room < 3) {
    return { label, full: '', empty: ' '.repeat(Math.max(0, width - textWidth(label) - textWidth(value))), value }
  }
  const bar = meterBar(model.fraction, room, glyphs)
  return { label, full: bar.full, empty: `${bar.empty} `, value }
}

/** One line: label, bar, value. */
export function meterText(model: MeterModel, width: number, labelWidth = 12, glyphs: Glyphs = unicodeGlyphs): string {
  const { label, full, empty, value } = meterParts(model, width, labelWidth, glyphs)
  return label + full + empty + value
}

/** Label and value without the bar. For `--plain`. */
export function meterLines(model: MeterModel): string[] {
  return [`${oneLine(model.label)}: ${meterValue(model)}`]
}
