import { known, type Reading, unknown } from './value.ts'

/** One part of a probe's answer: exactly what the command printed, and how it ended. */
export interface Section {
  readonly text: string
  readonly exitCode: number
}

/** A section for which nothing came back. */
export type Sections = (name: string) => Reading<Section>

/** More than any host has file systems to ask about. */
const maximumSections = 512

/**
 * Cuts the answer of the probe script into its sections. Marker lines hold a nonce that was made for this very call, so
 * nothing that a command prints can pass for one. A section without its end line was cut: unknown, not half a value.
 */
export function cutSections(text: string, nonce: string): Sections {
  const found = new Map<string, Reading<Section>>()
  const begin = `\n${nonce} begin `
  const padded = `\n${text}`
  for (let at = padded.indexOf(begin); at >= 0 && found.size < maximumSections; ) {
    const lineEnd = padded.indexOf('\n', at + begin.length)
    if (lineEnd < 0) break
    const name = padded.slice(at + begin.length, lineEnd)
    const endMark = `\n${nonce} end ${name} `
    // From the line end on: a command that printed nothing leaves an empty line before its end mark.
    const end = padded.indexOf(endMark, lineEnd)
    const next = padded.indexOf(begin, lineEnd)
    if (end < 0 || (next >= 0 && next < end)) found.set(name, unknown('the answer of the host was cut here'))
    else {
      const close = padded.indexOf('\n', end + 1)
      const code = close < 0 ? '' : padded.slice(end + endMark.length, close)
      found.set(
        name,
        /^\d{1,3}$/.test(code)
          ? known({ text: padded.slice(lineEnd + 1, Math.max(lineEnd + 1, end)), exitCode: Number(code) })
          : unknown('the answer of the host was cut here'),
      )
    }
    at = next
  }
  return (name) => found.get(name) ?? unknown('the host gave no answer to this')
}
