export type ColorDepth = 'none' | '16' | '256' | 'truecolor'

/** A set of text attributes. Interned: two cells look alike exactly when they hold the same object. */
export interface Style {
  /** SGR parameters that make this style out of the default one, at the depth of the terminal; empty for the default. */
  readonly sgr: string
  /** Everything that was asked for, at full depth; the key of the intern table. */
  readonly key: string
  readonly attributes: number
  readonly foreground: string
  readonly background: string
}

/** Attributes by SGR number, as bits. Blink and conceal are left out: nothing of ours blinks, and hidden text deceives. */
const on: Record<number, number> = { 1: 1, 2: 2, 3: 4, 4: 8, 7: 16, 9: 32, 21: 8 }
const off: Record<number, number> = { 22: 1 | 2, 23: 4, 24: 8, 27: 16, 29: 32 }
const attributeCodes = [1, 2, 3, 4, 7, 9]
/** More parameters than this and the sequence is not an honest one (reliability 7). */
const MOST_PARAMETERS = 16
const MOST_CACHED = 4096

/** The six steps of the 256-colour cube. */
const cubeSteps = [0, 95, 135, 175, 215, 255]
const basic: readonly (readonly [number, number, number])[] = [
  [0, 0, 0],
  [205, 0, 0],
  [0, 205, 0],
  [205, 205, 0],
  [0, 0, 238],
  [205, 0, 205],
  [0, 205, 205],
  [229, 229, 229],
  [127, 127, 127],
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [92, 92, 255],
  [255, 0, 255],
  [0, 255, 255],
  [255, 255, 255],
]

function nearestStep(value: number): number {
  let best = 0
  for (let step = 1; step < cubeSteps.length; step += 1) {
    if (Math.abs((cubeSteps[step] ?? 0) - value) < Math.abs((cubeSteps[best] ?? 0) - value)) best = step
  }
  return best
}

function rgbTo256(red: number, green: number, blue: number): number {
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 10) {
    const grey = (red + green + blue) / 3
    if (grey < 4) return 16
    if (grey > 246) return 231
    return 232 + Math.min(23, Math.max(0, Math.round((grey - 8) / 10)))
  }
  return 16 + 36 * nearestStep(red) + 6 * nearestStep(green) + nearestStep(blue)
}

function rgbOf256(index: number): readonly [number, number, number] {
  if (index < 16) return basic[index] ?? [0, 0, 0]
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232)
    return [grey, grey, grey]
  }
  const cube = index - 16
  return [cubeSteps[Math.floor(cube / 36)] ?? 0, cubeSteps[Math.floor(cube / 6) % 6] ?? 0, cubeSteps[cube % 6] ?? 0]
}

function nearestBasic(red: number, green: number, blue: number): number {
  let best = 0
  let bestDistance = Number.POSITIVE_INFINITY
  for (const [index, [r, g, b]] of basic.entries()) {
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
    if (distance < bestDistance) {
      best = index
      bestDistance = distance
    }
  }
  return best
}

/** `5;n` or `2;r;g;b` or a plain code at full depth, to the parameters this terminal can show. */
function downsample(color: string, isBackground: boolean, depth: ColorDepth): string {
  if (color === '' || depth === 'none') return ''
  const lead = isBackground ? '48' : '38'
  if (!color.includes(';')) return color
  const [kind, a = 0, b = 0, c = 0] = color.split(';').map(Number)
  if (kind === 5) {
    if (depth !== '16') return `${lead};5;${a}`
    return basicCode(a < 16 ? a : nearestBasic(...rgbOf256(a)), isBackground)
  }
  if (depth === 'truecolor') return `${lead};2;${a};${b};${c}`
  if (depth === '256') return `${lead};5;${rgbTo256(a, b, c)}`
  return basicCode(nearestBasic(a, b, c), isBackground)
}

function basicCode(index: number, isBackground: boolean): string {
  const base = index < 8 ? 30 + index : 82 + index
  return String(isBackground ? base + 10 : base)
}

/** Reads SGR parameters and hands out interned styles for one terminal's colour depth. */
export class StyleTable {
  readonly plain: Style
  #depth: ColorDepth
  #byKey = new Map<string, Style>()
  #applied = new Map<string, Style>()

  constructor(depth: ColorDepth) {
    this.#depth = depth
    this.plain = this.#intern(0, '', '')
  }

  /** The style after an SGR sequence with these parameters, or null when the sequence is not to be believed. */
  apply(style: Style, parameters: string): Style | null {
    const key = `${style.key}|${parameters}`
    const known = this.#applied.get(key)
    if (known !== undefined) return known
    const next = this.#read(style, parameters)
    if (next === null) return null
    if (this.#applied.size >= MOST_CACHED) this.#applied.clear()
    this.#applied.set(key, next)
    return next
  }

  #intern(attributes: number, foreground: string, background: string): Style {
    const key = `${attributes}/${foreground}/${background}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const codes = attributeCodes.filter((code) => (attributes & (on[code] ?? 0)) !== 0).map(String)
    const colors = [downsample(foreground, false, this.#depth), downsample(background, true, this.#depth)]
    const sgr = [...codes, ...colors.filter((color) => color !== '')].join(';')
    const style = { sgr, key, attributes, foreground, background }
    // Dropping an interned style only costs a repaint of its cells; a hostile rainbow must not grow memory.
    if (this.#byKey.size >= MOST_CACHED) {
      this.#byKey.clear()
      this.#applied.clear()
      if (this.plain !== undefined) this.#byKey.set(this.plain.key, this.plain)
    }
    this.#byKey.set(key, style)
    return style
  }

  #read(style: Style, parameters: string): Style | null {
    const groups = parameters.split(';')
    if (groups.length > MOST_PARAMETERS || !/^[\d;:]*$/.test(parameters)) return null
    let { attributes, foreground, background } = style
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at] ?? ''
      const code = group === '' ? 0 : Number.parseInt(group, 10)
      if (code === 38 || code === 48 || code === 58) {
        const isInline = group.includes(':')
        const rest = isInline ? group.split(':').slice(1) : groups.slice(at + 1)
        const { color, used } = readColor(rest, isInline)
        if (color === null) return null
        if (code === 38) foreground = color
        else if (code === 48) background = color
        if (!isInline) at += used
      } else if (group === '4:0') attributes &= ~8
      else if (code === 0) {
        attributes = 0
        foreground = ''
        background = ''
      } else if (on[code] !== undefined) attributes |= on[code]
      else if (off[code] !== undefined) attributes &= ~off[code]
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) foreground = String(code)
      else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) background = String(code)
      else if (code === 39) foreground = ''
      else if (code === 49) background = ''
    }
    return this.#intern(attributes, foreground, background)
  }
}

/** `5;n`, `2;r;g;b`, or with colons `5:n`, `2:r:g:b`, `2::r:g:b`. */
function readColor(rest: string[], isInline: boolean): { color: string | null; used: number } {
  const kind = rest[0]
  if (kind === '5') {
    const index = Number(rest[1] ?? '')
    return index >= 0 && index <= 255 && rest[1] !== undefined
      ? { color: `5;${index}`, used: 2 }
      : { color: null, used: 0 }
  }
  if (kind !== '2') return { color: null, used: 0 }
  const parts = isInline && rest.length >= 5 ? rest.slice(2, 5) : rest.slice(1, 4)
  const values = parts.map((part) => Number(part))
  if (values.length !== 3 || values.some((value) => !(value >= 0 && value <= 255))) return { color: null, used: 0 }
  return { color: `2;${values.join(';')}`, used: 4 }
}
