import { knownNamesIn } from '../../secret/known.ts'
import { HostError, notBegun } from '../errors.ts'

/**
 * What another process or thread wants begun on a host stands among the arguments, or in the environment, of a process
 * there, where every user of that machine can read it. Throws HostError, with the names, where a secret value that kx
 * knows is in it, in any encoding. What goes there on standard input is no concern of this.
 */
export function refuseSecrets(host: string, texts: readonly string[]): void {
  const names = knownNamesIn(texts.join('\n'))
  if (names.length === 0) return
  throw new HostError(
    `Nothing was begun on ${host}: the value of ${names.join(', ')} would stand among the arguments or in the environment of ` +
      'a process, where every user of that machine can read it. Hand it over on standard input ($({ input })`…`), or let the ' +
      'command read it from a file there.',
    notBegun,
  )
}

/** Every text of a structure, its names included; bytes are none. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return []
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return Object.entries(value).flatMap(([name, part]) => [name, ...textsIn(part)])
}
