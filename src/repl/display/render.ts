import { inspect, types } from 'node:util'
import type { DisplayLine, DisplaySpan, Tone } from '../types.ts'
import { type ErrorFrames, errorLines } from './errors.ts'
import { layOut, type Node } from './lay-out.ts'
import { className, dataProperty, ownEntries } from './shapes.ts'
import { showDisplay } from './show.ts'
import { type Display, displaySymbol } from './symbol.ts'

export interface RenderOptions {
  readonly width: number
  readonly isAscii: boolean
  readonly maxLines?: number
  readonly maxDepth?: number
  /** Entries of one collection. */
  readonly maxEntries?: number
  /** Values altogether. */
  readonly maxValues?: number
  /** UTF-16 units of one string inside a structure; one alone may have ten times as many. */
  readonly maxString?: number
  readonly frames?: ErrorFrames
}

const defaults = { maxLines: 200, maxDepth: 4, maxEntries: 100, maxValues: 2000, maxString: 1000 }

export const span = (text: string, tone: Tone = 'plain'): DisplaySpan => ({ text, tone })
const leaf = (text: string, tone: Tone = 'plain'): Node => ({ kind: 'leaf', spans: [span(text, tone)] })

/**
 * A value as lines, always the same for the same value, within bounds whatever it is. Getters are not called, proxies are
 * not asked, what was cut is said. The text is not yet safe for a screen: it goes through `text/` first.
 */
export function render(value: unknown, options: RenderOptions): readonly DisplayLine[] {
  const own = ownDisplay(value)
  if (own !== null) return bounded(showDisplay(own, options), options.maxLines ?? defaults.maxLines)
  if (typeof value === 'string') return bounded(textLines(value, options), options.maxLines ?? defaults.maxLines)
  if (types.isNativeError(value))
    return bounded(errorLines(value, options.frames ?? {}), options.maxLines ?? defaults.maxLines)
  const node = new Walk(options).node(value, 0)
  return bounded(layOut(node, options.width), options.maxLines ?? defaults.maxLines)
}

/** One line of at most `width` units, for a look ahead. */
export function renderShort(value: unknown, options: RenderOptions): DisplayLine {
  const lines = render(value, { ...options, width: 10_000, maxDepth: 1, maxEntries: 12, maxString: 80, maxLines: 1 })
  const spans: DisplaySpan[] = []
  let room = options.width
  for (const each of lines[0] ?? []) {
    if (room <= 0) break
    spans.push(each.text.length <= room ? each : { ...each, text: `${each.text.slice(0, Math.max(0, room - 1))}…` })
    room -= each.text.length
  }
  return spans
}

function bounded(lines: readonly DisplayLine[], maximum: number): readonly DisplayLine[] {
  if (lines.length <= maximum) return lines
  const left = lines.length - maximum
  return [...lines.slice(0, maximum), [span(`… ${left} more line${left === 1 ? '' : 's'}`, 'muted')]]
}

/** How a value wants to be shown; its own function may be run for it. Null: as what it is. */
export function ownDisplay(value: unknown): Display | null {
  if (value === null || typeof value !== 'object' || types.isProxy(value)) return null
  const found = dataProperty(value, displaySymbol)
  try {
    const display: unknown = typeof found === 'function' ? Reflect.apply(found, value, []) : found
    return display !== null && typeof display === 'object' && 'kind' in display ? (display as Display) : null
  } catch {
    return null
  }
}

/** A string alone is shown as what it says, quoted only when it is one line. */
function textLines(value: string, options: RenderOptions): readonly DisplayLine[] {
  const limit = 10 * (options.maxString ?? defaults.maxString)
  if (!value.includes('\n')) return [[span(quoted(value, limit), 'string')]]
  const kept = value.slice(0, limit)
  const lines: DisplayLine[] = kept.split('\n').map((text) => [span(text, 'string')])
  if (value.length > limit) lines.push([span(`… ${value.length - limit} more characters`, 'muted')])
  return lines
}

function quoted(value: string, limit: number): string {
  const kept = value.length > limit ? value.slice(0, limit) : value
  const quote = kept.includes("'") && !kept.includes('"') ? '"' : "'"
  const inner = kept.replace(/[\\'\x00-\x1f\x7f-\x9f]/g, (c) => (c === "'" && quote === '"' ? c : escaped(c)))
  const text = `${quote}${inner}${quote}`
  return value.length > limit ? `${text}… ${value.length - limit} more characters` : text
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'" }
const escaped = (c: string) => named[c] ?? `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`

class Walk {
  readonly #options: RenderOptions
  readonly #path: object[] = []
  #left: number

  constructor(options: RenderOptions) {
    this.#options = options
    this.#left = options.maxValues ?? defaults.maxValues
  }

  node(value: unknown, depth: number): Node {
    this.#left -= 1
    switch (typeof value) {
      case 'string':
        return leaf(quoted(value, this.#options.maxString ?? defaults.maxString), 'string')
      case 'number':
        return leaf(Object.is(value, -0) ? '-0' : String(value), 'number')
      case 'bigint':
        return leaf(`${value}n`, 'number')
      case 'boolean':
      case 'undefined':
        return leaf(String(value), 'word')
      case 'symbol':
        return leaf(value.toString(), 'word')
      case 'function':
        return this.#function(value)
      default:
        return value === null ? leaf('null', 'word') : this.#object(value as object, depth)
    }
  }

  #function(value: object): Node {
    if (types.isProxy(value)) return leaf('[Proxy of a function]', 'muted')
    const name = Object.getOwnPropertyDescriptor(value, 'name')?.value
    const source = Function.prototype.toString.call(value)
    const kind = /^class\b/.test(source) ? 'class' : types.isAsyncFunction(value) ? 'async function' : 'function'
    return leaf(`[${kind} ${typeof name === 'string' && name !== '' ? name : '(no name)'}]`, 'muted')
  }

  #object(value: object, depth: number): Node {
    if (types.isProxy(value)) return leaf(this.#safe(value, 'Proxy', { showProxy: true }), 'muted')
    const at = this.#path.indexOf(value)
    if (at >= 0) return leaf(at === 0 ? '[circular]' : `[circular, ${this.#path.length - at} up]`, 'muted')
    const own = ownDisplay(value)
    if (own !== null && own.kind !== 'table' && own.kind !== 'chart') {
      const line = showDisplay(own, this.#options)[0]
      if (line !== undefined) return { kind: 'leaf', spans: line }
    }
    const simple = this.#simple(value)
    if (simple !== null) return simple
    const name = className(value)
    if (depth >= (this.#options.maxDepth ?? defaults.maxDepth) || this.#left <= 0)
      return leaf(Array.isArray(value) ? `[Array(${value.length})]` : `[${name ?? 'object'}]`, 'muted')
    this.#path.push(value)
    try {
      return this.#collection(value, name, depth)
    } finally {
      this.#path.pop()
    }
  }

  /** Objects that are one thing. */
  #simple(value: object): Node | null {
    if (types.isDate(value)) {
      const ms = Date.prototype.getTime.call(value)
      return leaf(Number.isNaN(ms) ? 'Invalid Date' : new Date(ms).toISOString(), 'number')
    }
    if (types.isRegExp(value)) return leaf(RegExp.prototype.toString.call(value), 'string')
    if (types.isPromise(value)) return leaf(this.#safe(value, 'Promise', { depth: 0 }), 'muted')
    if (types.isNativeError(value)) {
      const message = dataProperty(value, 'message')
      return leaf(`[${className(value) ?? 'Error'}: ${typeof message === 'string' ? message : ''}]`, 'error')
    }
    if (className(value) === 'URL' && value instanceof URL) return leaf(URL.prototype.toString.call(value), 'string')
    if (types.isBoxedPrimitive(value)) return leaf(this.#safe(value, 'boxed', {}), 'muted')
    if (types.isWeakMap(value) || types.isWeakSet(value) || types.isModuleNamespaceObject(value)) {
      if (!types.isModuleNamespaceObject(value)) return leaf(`[${className(value) ?? 'weak'}]`, 'muted')
    }
    if (types.isAnyArrayBuffer(value))
      return leaf(`[${className(value) ?? 'ArrayBuffer'}, ${value.byteLength} bytes]`, 'muted')
    return null
  }

  /** What only the engine can tell, by its own printer, kept from running code of the value. */
  #safe(value: object, fallback: string, options: object): string {
    try {
      const text = inspect(value, {
        depth: 1,
        maxArrayLength: 10,
        maxStringLength: 100,
        customInspect: false,
        getters: false,
        breakLength: Infinity,
        ...options,
      })
      return text.length > 300 ? `${text.slice(0, 300)}…` : text.replace(/\s*\n\s*/g, ' ')
    } catch {
      return `[${fallback}]`
    }
  }

  #collection(value: object, name: string | null, depth: number): Node {
    const limit = this.#options.maxEntries ?? defaults.maxEntries
    if (Array.isArray(value)) return this.#array(value, name, depth, limit)
    if (types.isTypedArray(value)) {
      const kept = Array.prototype.slice.call(value, 0, limit) as (number | bigint)[]
      const items = kept.map((each) => ({ key: null, value: this.node(each, depth + 1) }))
      return this.#group(`${name ?? 'TypedArray'}(${value.length}) [`, items, value.length - kept.length, ']')
    }
    if (types.isMap(value)) {
      const items: Item[] = []
      for (const [key, each] of Map.prototype.entries.call(value)) {
        if (items.length >= limit || this.#left <= 0) break
        const keyNode = this.node(key, depth + 1)
        const spans = keyNode.kind === 'leaf' ? keyNode.spans : [span(`${keyNode.open}…${keyNode.close}`, 'muted')]
        items.push({ key: [...spans, span(' => ')], value: this.node(each, depth + 1) })
      }
      return this.#group(`Map(${value.size}) {`, items, value.size - items.length, '}')
    }
    if (types.isSet(value)) {
      const items: Item[] = []
      for (const each of Set.prototype.values.call(value)) {
        if (items.length >= limit || this.#left <= 0) break
        items.push({ key: null, value: this.node(each, depth + 1) })
      }
      return this.#group(`Set(${value.size}) {`, items, value.size - items.length, '}')
    }
    const { items, more } = this.#properties(value, depth, limit, false)
    const prototype = Object.getPrototypeOf(value)
    const label = prototype === null ? '[no prototype] ' : name === null || name === 'Object' ? '' : `${name} `
    return this.#group(`${label}{`, items, more, '}')
  }

  #array(value: readonly unknown[], name: string | null, depth: number, limit: number): Node {
    const items: Item[] = []
    let at = 0
    for (; at < value.length && items.length < limit && this.#left > 0; at += 1) {
      const descriptor = Object.getOwnPropertyDescriptor(value, at)
      if (descriptor !== undefined) items.push({ key: null, value: this.#described(descriptor, depth) })
      else {
        const from = at
        // A hole may be billions of places long: its end is found among the keys there are.
        const next = Object.keys(value).find((key) => Number(key) > from)
        const end = next === undefined || !/^\d+$/.test(next) ? value.length : Number(next)
        items.push({ key: null, value: leaf(`${end - at} empty`, 'muted') })
        at = end - 1
      }
    }
    const extra = this.#properties(value, depth, limit, true)
    const label = name === null || name === 'Array' ? '[' : `${name}(${value.length}) [`
    return this.#group(label, [...items, ...extra.items], value.length - at + extra.more, ']')
  }

  #properties(value: object, depth: number, limit: number, isIndexSkipped: boolean): { items: Item[]; more: number } {
    const { entries, more } = ownEntries(value, limit, isIndexSkipped)
    const items: Item[] = []
    for (const { key, descriptor } of entries) {
      if (this.#left <= 0) return { items, more: more + entries.length - items.length }
      const text =
        typeof key === 'symbol'
          ? `[${key.toString()}]`
          : /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)
            ? key
            : quoted(key, 200)
      items.push({ key: [span(text, 'name'), span(': ')], value: this.#described(descriptor, depth) })
    }
    return { items, more }
  }

  #described(descriptor: PropertyDescriptor, depth: number): Node {
    const { get, set } = descriptor
    if (get !== undefined) return leaf(set === undefined ? '[getter]' : '[getter and setter]', 'muted')
    if (set !== undefined) return leaf('[setter]', 'muted')
    return this.node(descriptor.value, depth + 1)
  }

  #group(open: string, items: readonly Item[], more: number, close: string): Node {
    return {
      kind: 'group',
      open,
      close,
      items: more > 0 ? [...items, { key: null, value: leaf(`… ${more} more`, 'muted') }] : items,
    }
  }
}

interface Item {
  readonly key: readonly DisplaySpan[] | null
  readonly value: Node
}
