import type { Checker } from './kit.ts'
import { Broken, NotCheckable, product, startsWith, viewOf } from './kit.ts'

type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>
const headerLimitBytes = 1024 * 1024

/** The small part of Python's literals that NumPy writes into its header. */
function parseLiteral(text: string): Literal {
  let at = 0
  const fail = (): never => {
    throw new Broken(`the header is not a Python literal at character ${at}`)
  }
  const space = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at += 1
  }
  const list = (close: string, depth: number): readonly Literal[] => {
    const found: Literal[] = []
    at += 1
    for (;;) {
      space()
      if (text[at] === close) {
        at += 1
        return found
      }
      found.push(read(depth + 1))
      space()
      if (text[at] === ',') at += 1
      else if (text[at] !== close) fail()
    }
  }
  const dict = (depth: number): ReadonlyMap<string, Literal> => {
    const found = new Map<string, Literal>()
    at += 1
    for (;;) {
      space()
      if (text[at] === '}') {
        at += 1
        return found
      }
      const name = read(depth + 1)
      space()
      if (typeof name !== 'string' || found.has(name) || text[at] !== ':') fail()
      at += 1
      found.set(name as string, read(depth + 1))
      space()
      if (text[at] === ',') at += 1
      else if (text[at] !== '}') fail()
    }
  }
  const token = /True|False|None|-?[0-9]{1,19}L?|'[^'\\]*'|"[^"\\]*"/y
  const read = (depth: number): Literal => {
    if (depth > 32) fail()
    space()
    if (text[at] === '{') return dict(depth)
    if (text[at] === '(') return list(')', depth)
    if (text[at] === '[') return list(']', depth)
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    if (found === undefined) return fail()
    at += found.length
    if (found === 'True' || found === 'False') return found === 'True'
    if (found === 'None') return null
    if (found.startsWith("'") || found.startsWith('"')) return found.slice(1, -1)
    return Number(found.replace('L', ''))
  }
  const whole = read(0)
  space()
  if (at !== text.length) fail()
  return whole
}

function itemBytes(descr: Literal, depth = 0): number {
  if (depth > 16) throw new Broken('the type is nested too deep')
  if (typeof descr === 'string') {
    const found = /^[<>|=]?([a-zA-Z?])([0-9]{0,9})(?:\[[0-9a-zA-Z/]*\])?$/.exec(descr)
    if (found === null) throw new Broken('the type is not a NumPy type')
    const size = Number(found[2] === '' ? '1' : found[2])
    if (found[1] === 'O') throw new NotCheckable('an object array: its content is a pickle, which is never loaded here')
    return found[1] === 'U' ? size * 4 : size
  }
  if (!Array.isArray(descr)) throw new Broken('the type is not a NumPy type')
  return (descr as readonly Literal[]).reduce<number>((sum, field) => {
    if (!Array.isArray(field) || field.length < 2) throw new Broken('a field of the type is not a pair')
    const [, type, shape] = field as readonly Literal[]
    const dims = shape === undefined ? [] : typeof shape === 'number' ? [shape] : shape
    return sum + product([...dimensions(dims), itemBytes(type as Literal, depth + 1)], 'a field of the type')
  }, 0)
}

function dimensions(value: Literal | undefined): readonly number[] {
  if (!Array.isArray(value)) throw new Broken('the shape is not a tuple')
  return (value as readonly Literal[]).map((n) => {
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0)
      throw new Broken('the shape is not a tuple of counts')
    return n
  })
}

/** Bytes that a whole .npy with this beginning must have. `head` may be longer than the header. */
export function npyBytes(head: Uint8Array): number {
  if (!startsWith(head, 'NUMPY', 1) || head[0] !== 0x93) throw new Broken('the NumPy signature is missing')
  if (head.length < 12) throw new Broken('the header is cut off')
  const major = head[6] as number
  if (major < 1 || major > 3) throw new NotCheckable(`NumPy format ${major} is not known here`)
  const view = viewOf(head)
  const start = major === 1 ? 10 : 12
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > headerLimitBytes) throw new NotCheckable('the header is larger than 1 MiB')
  if (start + length > head.length) throw new Broken('the header is cut off')
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(head.subarray(start, start + length))
  if (!text.endsWith('\n')) throw new Broken('the header does not end in a newline')
  const header = parseLiteral(text)
  if (!(header instanceof Map)) throw new Broken('the header is not a dictionary')
  const fields = header as ReadonlyMap<string, Literal>
  if (fields.size !== 3 || typeof fields.get('fortran_order') !== 'boolean')
    throw new Broken('the header has other keys than descr, fortran_order and shape')
  const content = product([...dimensions(fields.get('shape')), itemBytes(fields.get('descr') ?? null)], 'the shape')
  return start + length + content
}

/** Longest beginning that `npyBytes` may need. */
export const npyHeadBytes = headerLimitBytes + 12

/** Magic, version, header, and shape × item size = file size. The format carries no sums. */
export const checkNpy: Checker = async (probe) => {
  const expected = npyBytes(await probe.take(0, Math.min(probe.bytes, npyHeadBytes), 'header'))
  if (expected !== probe.bytes)
    throw new Broken(`shape and type ask for ${expected} bytes, the file has ${probe.bytes}`)
  probe.note('shape × item size = file size')
  return { checksums: 'none' }
}
