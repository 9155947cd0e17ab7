import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { dottedKey, type SourceProblem } from './problem.ts'
import { sanitiseLine } from './sanitise.ts'
import { prescan } from './yaml-prescan.ts'

export interface SourcePosition {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export interface YamlDocument {
  readonly ok: true
  readonly file: string
  /** Plain data; maps have no prototype. */
  readonly value: unknown
  /** Where a key (or list item) stands; of a path that is not there, its nearest parent. */
  locate(path: readonly PropertyKey[]): SourcePosition
}

export interface YamlFailure {
  readonly ok: false
  readonly errors: readonly SourceProblem[]
}

/**
 * Limits of every file that kx reads as YAML. Source: handbook reliability 10 and 13. `marks` is our own: the parser takes
 * about 20 µs for each on a slow core, and every rejection must come within 100 ms.
 */
export const yamlLimits = { bytes: 65_536, depth: 32, marks: 3000, aliases: 64, values: 10_000, problems: 20 } as const

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Reads one YAML document (core schema) as plain data. No tags, no merge keys, few aliases, bounded size and depth, own
 * duplicate check; numbers that would lose digits are refused. Never throws: every rejection names file, line and column.
 */
export function readYaml(source: string | Uint8Array, file: string): YamlDocument | YamlFailure {
  const scanned = prescan(source, file, yamlLimits)
  if (!scanned.ok) return scanned
  const { text } = scanned
  const lines = new LineCounter()
  const at = (offset: number) => position(lines, offset)
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      uniqueKeys: false,
      merge: false,
      schema: 'core',
      version: '1.2',
      strict: true,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: lines,
    })
  } catch (error) {
    const message = `not readable as YAML: ${sanitiseLine(error instanceof Error ? error.message : String(error), 200)}`
    return { ok: false, errors: [{ file, line: 1, column: 1, key: '', message }] }
  }
  const faults = [...document.errors, ...document.warnings].slice(0, yamlLimits.problems)
  if (faults.length > 0) {
    const errors = faults.map((fault) => {
      const words = inOurWords(fault.code, sanitiseLine(fault.message, 200))
      return { file, ...at(fault.pos[0]), key: '', ...words }
    })
    return { ok: false, errors }
  }
  const reader = createReader(file, at)
  const value = reader.read(document.contents, [])
  if (reader.errors.length > 0) return { ok: false, errors: reader.errors }
  return { ok: true, file, value, locate: (path) => at(offsetOf(reader.offsets, path)) }
}

function position(lines: LineCounter, offset: number): SourcePosition {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

const pathKey = (path: readonly PropertyKey[]) => path.map(String).join('\0')

function offsetOf(offsets: ReadonlyMap<string, number>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsets.get(pathKey(path.slice(0, length)))
    if (offset !== undefined) return offset
  }
  return 0
}

function inOurWords(code: string, message: string): { message: string; hint?: string } {
  if (code === 'TAB_AS_INDENT') return { message: 'a tab is used as indentation', hint: 'Indent with blanks' }
  if (code === 'MULTIPLE_DOCS')
    return { message: 'more than one document', hint: 'Keep one document: remove the second `---`' }
  if (code === 'TAG_RESOLVE_FAILED') return { message: 'a tag (`!…`) is not allowed', hint: 'Write the plain value' }
  return { message: `not readable as YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}` }
}

interface Reader {
  readonly errors: SourceProblem[]
  readonly offsets: Map<string, number>
  read(node: unknown, path: readonly PropertyKey[]): unknown
}

/** Turns nodes into plain data and remembers where each path stands. */
function createReader(file: string, at: (offset: number) => SourcePosition): Reader {
  const errors: SourceProblem[] = []
  const offsets = new Map<string, number>()
  const anchors = new Map<string, Node>()
  const open = new Set<Node>()
  let values = 0
  let aliases = 0

  const start = (node: Node) => node.range?.[0] ?? 0
  const fail = (offset: number, path: readonly PropertyKey[], message: string, hint?: string) => {
    if (errors.length < yamlLimits.problems)
      errors.push({ file, ...at(offset), key: sanitiseLine(dottedKey(path), 200), message, ...(hint ? { hint } : {}) })
  }
  const readScalar = (value: unknown, source: string | undefined, offset: number, path: readonly PropertyKey[]) => {
    if (typeof value !== 'number') return value
    const found = sanitiseLine(source ?? String(value), 40)
    if (!Number.isFinite(value)) fail(offset, path, `${found} is not a finite number`, 'Write a finite number')
    else if (
      Number.isInteger(value) &&
      !Number.isSafeInteger(value) &&
      /^[-+]?(?:\d+|0x[0-9a-fA-F]+|0o[0-7]+)$/.test(source ?? '')
    )
      fail(offset, path, `${found} is too large to be kept exactly`, 'Put it in quotes if it is a name or a hash')
    return value
  }
  const readMap = (items: readonly { key: unknown; value: unknown }[], path: readonly PropertyKey[]) => {
    const map: Record<string, unknown> = Object.create(null)
    const seen = new Map<string, number>()
    for (const pair of items) {
      if (!isScalar(pair.key) || pair.key.value === null || typeof pair.key.value === 'boolean') {
        const offset = (pair.key as Node | null)?.range?.[0] ?? offsetOf(offsets, path)
        fail(offset, path, 'a key must be a word', 'Put the key in quotes if it is meant as text')
        continue
      }
      const key = typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value))
      const offset = start(pair.key)
      const here = [...path, key]
      const first = seen.get(key)
      if (forbiddenKeys.has(key)) fail(offset, here, 'this key is never allowed', 'Choose another name')
      else if (key === '<<') fail(offset, here, 'merge keys are not allowed', 'Write the keys out')
      else if (first !== undefined)
        fail(offset, here, `this key stands twice, first in line ${at(first).line}`, 'Remove one of the two')
      else {
        seen.set(key, offset)
        offsets.set(pathKey(here), offset)
        map[key] = read(pair.value, here)
      }
      if (errors.length >= yamlLimits.problems) break
    }
    return map
  }
  const read = (node: unknown, path: readonly PropertyKey[]): unknown => {
    if (node === null || node === undefined || errors.length >= yamlLimits.problems) return null
    if (path.length > yamlLimits.depth) {
      fail(start(node as Node), path.slice(0, 3), `nested more than ${yamlLimits.depth} levels deep`)
      return null
    }
    if (++values > yamlLimits.values) {
      if (values === yamlLimits.values + 1)
        fail(start(node as Node), path, `more than ${yamlLimits.values} values`, 'Make the file smaller')
      return null
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined) fail(start(node), path, 'this alias names nothing that stands before it')
      else if (open.has(target)) fail(start(node), path, 'this alias contains itself')
      else if (++aliases > yamlLimits.aliases)
        fail(start(node), path, `more than ${yamlLimits.aliases} aliases`, 'Write the values out')
      else return read(target, path)
      return null
    }
    const known = node as Node
    if ('tag' in known && known.tag !== undefined) {
      fail(start(known), path, 'a tag (`!…`) is not allowed', 'Write the plain value')
      return null
    }
    if (!offsets.has(pathKey(path))) offsets.set(pathKey(path), start(known))
    if ('anchor' in known && typeof known.anchor === 'string') anchors.set(known.anchor, known)
    if (isScalar(known)) return readScalar(known.value, known.source, start(known), path)
    open.add(known)
    let value: unknown = null
    if (isMap(known)) value = readMap(known.items, path)
    else if (isSeq(known)) value = known.items.map((item, index) => read(item, [...path, index]))
    open.delete(known)
    return value
  }
  return { errors, offsets, read }
}
