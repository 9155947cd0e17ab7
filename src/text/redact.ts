import { addRange, createNeedleFinder, type NeedleFinder, type Range } from './needles.ts'
import { findSecretPatterns, isSecretName } from './patterns.ts'

/** What the registry of secret values (room `secret`) hands over. */
export interface SecretSet {
  /** Grows whenever a value is added. */
  readonly version: number
  /** Every form of every value that must not be seen. */
  needles(): readonly string[]
}

export interface Redactor {
  /** Takes a piece of the stream, cut anywhere, and returns what can be shown: whole lines. */
  push(chunk: string): string
  end(): string
  /**
   * What can be shown now of a line whose end has not come, which is pushed only when it has. Changes nothing. What may
   * still become a secret is left out, so that half of one is never on screen.
   */
  peek(unfinished: string): string
  /** How many places were masked so far. */
  readonly count: number
}

/** What stands where a secret stood. */
export const mask = '***'
const longestLine = 65_536
const overlap = 4096
const lookBehind = 256
const pemBegin = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/
const pemEnd = /-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/
/** A key that never ends hides at most this many lines. */
const longestPem = 400

const finders = new WeakMap<SecretSet, { version: number; finder: NeedleFinder | null }>()

function finderOf(secrets: SecretSet): NeedleFinder | null {
  const known = finders.get(secrets)
  if (known !== undefined && known.version === secrets.version) return known.finder
  const finder = createNeedleFinder(secrets.needles())
  finders.set(secrets, { version: secrets.version, finder })
  return finder
}

/**
 * Masks secrets in a stream before it is shown or stored: registered values in all their encodings, what looks like a
 * credential, and values of telling names. The result is the same for any split; what may still become a secret is held
 * back until it is decided. Source: handbook reliability 6.
 */
export function createRedactor(secrets: SecretSet | null): Redactor {
  const values = createValueStage(secrets)
  const lines = createLineStage()
  return {
    push: (chunk) => lines.push(values.push(chunk)),
    end: () => lines.push(values.end()) + lines.end(),
    peek: (unfinished) => {
      // Something before it is undecided, or it stands inside a private key.
      if (unfinished === '' || values.isHeld() || lines.isHeld()) return ''
      const found = (secrets === null ? null : finderOf(secrets))?.find(unfinished)
      const to = unfinished.length - (found?.openLength ?? 0)
      const last = found?.ranges.at(-1)
      // A value that is complete is masked as such, though a longer one may begin with it.
      const isMasked = last !== undefined && last.end === unfinished.length && last.start <= to
      return redactText(isMasked ? unfinished : unfinished.slice(0, to), secrets).text
    },
    get count() {
      return values.count() + lines.count()
    },
  }
}

/** A whole text at once. */
export function redactText(text: string, secrets: SecretSet | null): { readonly text: string; readonly count: number } {
  const redactor = createRedactor(secrets)
  const out = redactor.push(text) + redactor.end()
  return { text: out, count: redactor.count }
}

/** Registered values, by exact match. */
function createValueStage(secrets: SecretSet | null) {
  let held = ''
  /** How many characters of `held` belong to a place that is masked already. */
  let heldMasked = 0
  let isOpen = false
  let count = 0
  const emit = (text: string, ranges: readonly Range[], to: number): string => {
    let out = ''
    let at = 0
    for (const range of ranges) {
      if (range.start >= to) break
      if (range.start > at) {
        out += text.slice(at, range.start)
        isOpen = false
      }
      if (!isOpen) {
        out += mask
        count++
      }
      isOpen = true
      at = Math.min(range.end, to)
    }
    if (at < to) {
      out += text.slice(at, to)
      isOpen = false
    }
    return out
  }
  const take = (chunk: string, isLast: boolean): string => {
    const finder = secrets === null ? null : finderOf(secrets)
    if (finder === null && held === '') return chunk
    const text = held + chunk
    const { ranges, openLength } = finder === null ? { ranges: [], openLength: 0 } : finder.find(text)
    const all: Range[] = []
    if (heldMasked > 0) all.push({ start: 0, end: heldMasked })
    for (const range of ranges) {
      const last = all.at(-1)
      if (last !== undefined && last.end >= range.end) continue
      addRange(all, range.start, range.end)
    }
    const to = isLast ? text.length : text.length - openLength
    const out = emit(text, all, to)
    held = text.slice(to)
    heldMasked = Math.max(0, (all.at(-1)?.end ?? 0) - to)
    return out
  }
  return {
    push: (chunk: string) => (chunk === '' ? '' : take(chunk, false)),
    end: () => {
      const out = take('', true)
      isOpen = false
      return out
    },
    isHeld: () => held !== '',
    count: () => count,
  }
}

/** Patterns and names, line by line; a line that is too long goes out in parts with an overlap. */
function createLineStage() {
  let pending = ''
  let before = ''
  let pemLines = 0
  let isInside = false
  let count = 0
  const maskRanges = (text: string, from: number, to: number, ranges: readonly Range[]): string => {
    let out = ''
    let at = from
    for (const range of ranges) {
      if (range.end <= from || range.start >= to) continue
      out += text.slice(at, Math.max(at, range.start)) + mask
      at = Math.min(to, range.end)
      count++
    }
    return out + text.slice(at, to)
  }
  const block = (text: string): string => {
    if (pemLines > 0 || text.includes('PRIVATE KEY'))
      return text
        .split(/(?<=\n)/)
        .map(line)
        .join('')
    return maskRanges(text, 0, text.length, findSecretPatterns(text))
  }
  const line = (text: string): string => {
    if (pemLines === 0) {
      const begin = pemBegin.exec(text)
      if (begin === null) return maskRanges(text, 0, text.length, findSecretPatterns(text))
      const rest = text.slice(begin.index + begin[0].length)
      const end = pemEnd.exec(rest)
      count++
      if (end !== null) return `${text.slice(0, begin.index)}${mask}${rest.slice(end.index + end[0].length)}`
      pemLines = 1
      return `${text.slice(0, begin.index)}${mask}${text.endsWith('\n') ? '\n' : ''}`
    }
    const end = pemEnd.exec(text)
    pemLines = end !== null || ++pemLines > longestPem ? 0 : pemLines
    return end === null ? '' : text.slice(end.index + end[0].length).replace(/^\n/, '')
  }
  /** Everything that is complete: whole lines, where the first may be the rest of a long one. */
  const finish = (text: string): string => {
    if (before === '' && !isInside) return block(text)
    const first = text.indexOf('\n') + 1 || text.length
    const out = longPart(text.slice(0, first), true)
    before = ''
    isInside = false
    return out + (first < text.length ? block(text.slice(first)) : '')
  }
  /** Part of a line beyond the limit. Keeps the overlap in `pending` unless the line has ended. */
  const longPart = (text: string, isLast: boolean): string => {
    let from = 0
    let out = ''
    if (isInside) {
      const stop = text.search(/[\s"'`,;<>(){}[\]&]/)
      from = stop === -1 ? text.length : stop
      isInside = stop === -1
    }
    const whole = before + text
    const ranges = findSecretPatterns(whole)
    const at = before.length + from
    let to = isLast ? whole.length : Math.max(at, whole.length - overlap)
    const crossing = ranges.find((r) => r.start < to && r.end > to)
    if (crossing !== undefined) to = crossing.end
    if (!isLast && crossing !== undefined && crossing.end === whole.length) isInside = true
    out = maskRanges(whole, at, to, ranges)
    before = whole.slice(Math.max(0, to - lookBehind), to)
    pending = isLast ? '' : whole.slice(to)
    return out
  }
  const feed = (chunk: string): string => {
    let out = ''
    let at = 0
    while (at < chunk.length) {
      const last = chunk.lastIndexOf('\n')
      if (
        pending.length + (chunk.length - at) <= longestLine ||
        (last >= at && last - at + 1 + pending.length <= longestLine)
      ) {
        if (last < at) {
          pending += chunk.slice(at)
          return out
        }
        const text = pending + chunk.slice(at, last + 1)
        pending = ''
        out += finish(text)
        at = last + 1
        continue
      }
      const newline = chunk.indexOf('\n', at)
      const room = longestLine - pending.length
      if (newline !== -1 && newline - at < room) {
        const text = pending + chunk.slice(at, newline + 1)
        pending = ''
        out += finish(text)
        at = newline + 1
        continue
      }
      const text = pending + chunk.slice(at, at + room)
      at += room
      out += longPart(text, false)
    }
    return out
  }
  return {
    push: feed,
    end: () => {
      const text = pending
      pending = ''
      const out = text === '' ? '' : finish(text)
      before = ''
      isInside = false
      pemLines = 0
      return out
    },
    isHeld: () => pending !== '' || isInside || pemLines > 0,
    count: () => count,
  }
}

/**
 * Masks a structure instead of its text: values under telling names as a whole, every other string by value and pattern.
 * Depth is limited to 64; what lies deeper is masked.
 */
export function redactValue(
  value: unknown,
  secrets: SecretSet | null,
): { readonly value: unknown; readonly count: number } {
  let count = 0
  const walk = (item: unknown, isSecret: boolean, depth: number): unknown => {
    if (typeof item === 'string' && isSecret && item !== '') {
      count++
      return mask
    }
    if (typeof item === 'string') {
      const done = redactText(item, secrets)
      count += done.count
      return done.text
    }
    if (item === null || typeof item !== 'object') return isSecret && typeof item === 'number' ? mask : item
    if (depth >= 64) {
      count++
      return mask
    }
    if (Array.isArray(item)) return item.map((part) => walk(part, isSecret, depth + 1))
    const out: Record<string, unknown> = {}
    for (const [key, part] of Object.entries(item)) {
      if (key === '__proto__') continue
      const safeKey = redactText(key, secrets)
      count += safeKey.count
      out[safeKey.text] = walk(part, isSecret || isSecretName(key), depth + 1)
    }
    return out
  }
  return { value: walk(value, false, 0), count }
}
