import type { ReplHouse } from './house.ts'
import { scan } from './lexer.ts'
import type { Completions } from './types.ts'

/** What a string is given to decides what may stand in it. */
const kinds: readonly (readonly [RegExp, 'hosts' | 'runs' | 'recipes' | 'columns'])[] = [
  [/\b(?:on|use)\(\s*$/, 'hosts'],
  [/\bsh\([^()]*,\s*$/, 'hosts'],
  [/\bsamples\(\s*$/, 'columns'],
  [/\bkx\.recipe\.\w+\(\s*(?:\{[^{}]*\b(?:recipe|name|id):\s*)?$/, 'recipes'],
  [/\bkx\.\w+\.\w+\([^()]*\brun:\s*$/, 'runs'],
  [/\bkx\.(?:run|meter)\.\w+\(\s*$/, 'runs'],
]

/** What may follow at the cursor: of a command line its words, in a string names of the house, else names in scope. */
export async function completeText(
  text: string,
  cursor: number,
  house: Pick<ReplHouse, 'completeLine' | 'names'>,
  inScope: (source: string, cursor: number) => Promise<Completions>,
): Promise<Completions> {
  const before = text.slice(0, cursor)
  const command = /^\s*:/.exec(before)
  if (command !== null) {
    const line = before.slice(command[0].length)
    const from = cursor - (/\S*$/.exec(line)?.[0].length ?? 0)
    return { from, names: house.completeLine(line) }
  }
  if (/^\s*!!?\s/.test(before)) {
    const word = /[^\s'"`|;&<>()]*$/.exec(before)?.[0] ?? ''
    // Files of a host are not known here.
    if (!/^\s*!!\s/.test(before)) return { from: cursor, names: [] }
    return { from: cursor - word.length, names: await house.names('files', word) }
  }
  const inString = openString(before)
  if (inString === null) return inScope(text, cursor)
  const ahead = before.slice(0, inString.start)
  const kind = kinds.find(([pattern]) => pattern.test(ahead))?.[1] ?? 'files'
  return { from: inString.start + 1, names: await house.names(kind, inString.text) }
}

/** The string that is open at the end of the text. */
function openString(before: string): { readonly start: number; readonly text: string } | null {
  const last = scan(before).tokens.at(-1)
  if (last === undefined || (last.kind !== 'string' && last.kind !== 'template') || last.end !== before.length)
    return null
  const quote = last.text[0] ?? ''
  const body = last.text.slice(1)
  if (body.endsWith(quote) || body.includes('${')) return null
  return { start: last.start, text: body }
}
