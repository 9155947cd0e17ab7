import { Broken } from './kit.ts'

/** JSON as the strict formats want it: no key twice, bounded depth, objects as maps so that no name is special. */
export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>

/** Parses a header that has been read whole. Throws `Broken` with the reason. */
export function parseStrictJson(text: string, maxDepth = 16): StrictJson {
  let at = 0
  const fail = (what: string): never => {
    throw new Broken(`${what} at character ${at} of the header`)
  }
  const space = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at += 1
  }
  const string = (): string => {
    const start = at
    at += 1
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    if (at >= text.length) fail('a string that is not closed')
    at += 1
    try {
      return JSON.parse(text.slice(start, at)) as string
    } catch {
      return fail('a string that is not JSON')
    }
  }
  const object = (depth: number): ReadonlyMap<string, StrictJson> => {
    const map = new Map<string, StrictJson>()
    at += 1
    space()
    if (text[at] === '}') {
      at += 1
      return map
    }
    for (;;) {
      space()
      if (text[at] !== '"') fail('a key was expected')
      const name = string()
      if (map.has(name)) fail('a key that stands twice')
      space()
      if (text[at] !== ':') fail('a colon was expected')
      at += 1
      map.set(name, read(depth + 1))
      space()
      const next = text[at]
      at += 1
      if (next === '}') return map
      if (next !== ',') fail('a comma was expected')
    }
  }
  const array = (depth: number): readonly StrictJson[] => {
    const list: StrictJson[] = []
    at += 1
    space()
    if (text[at] === ']') {
      at += 1
      return list
    }
    for (;;) {
      list.push(read(depth + 1))
      space()
      const next = text[at]
      at += 1
      if (next === ']') return list
      if (next !== ',') fail('a comma was expected')
    }
  }
  const scalar = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y
  const read = (depth: number): StrictJson => {
    if (depth > maxDepth) fail(`nesting deeper than ${maxDepth}`)
    space()
    const first = text[at]
    if (first === '{') return object(depth)
    if (first === '[') return array(depth)
    if (first === '"') return string()
    scalar.lastIndex = at
    const found = scalar.exec(text)?.[0]
    if (found === undefined) return fail('a value was expected')
    at += found.length
    return JSON.parse(found) as StrictJson
  }
  const whole = read(0)
  space()
  if (at !== text.length) fail('something after the end')
  return whole
}
