/**
 * Single UTF-16 units of width 1 that never join a neighbour and whose width terminals agree on: Latin, Greek,
 * Cyrillic, punctuation, arrows, mathematics, lines, blocks, shapes, check marks, braille.
 */
export function isSimpleNarrow(code: number): boolean {
  if (code < 0x7f) return code >= 0x20
  if (code < 0x300) return code >= 0xa0 && code !== 0xa9 && code !== 0xad && code !== 0xae
  if (code < 0x2010) return code >= 0x391 && code < 0x530 && code !== 0x3a2 && !(code >= 0x483 && code <= 0x489)
  if (code < 0x2028) return true
  if (code < 0x2190)
    return (code >= 0x2030 && code < 0x205f && code !== 0x203c && code !== 0x2049) || (code >= 0x20a0 && code <= 0x20bf)
  if (code < 0x2300) return !(code >= 0x2194 && code <= 0x2199) && code !== 0x21a9 && code !== 0x21aa
  if (code < 0x2500) return false
  if (code < 0x25fb) return code !== 0x25aa && code !== 0x25ab && code !== 0x25b6 && code !== 0x25c0
  if (code >= 0x2800 && code <= 0x28ff) return true
  return code === 0x2713 || code === 0x2717
}

/** Single UTF-16 units of width 2 that every terminal draws in two cells. */
export function isSimpleWide(code: number): boolean {
  return (code >= 0x3041 && code <= 0x3096) || (code >= 0x30a1 && code <= 0x30fa) || (code >= 0x4e00 && code <= 0x9fff)
}

/**
 * Cells of text that is simple all through; null for any other, which has to be measured by the tables of
 * `string-width`. The build puts this before `string-width` everywhere, Ink included: almost all that kx draws is such
 * text, and setting up the tables costs more than the whole first frame may.
 */
export function simpleWidth(text: string): number | null {
  for (let i = 0; i < text.length; i += 1) if (!isSimpleNarrow(text.charCodeAt(i))) return null
  return text.length
}
