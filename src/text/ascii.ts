/** ASCII stand-ins of the same width for the signs that kx itself writes. */
const standIns: Readonly<Record<string, string>> = {
  '…': '~',
  '–': '-',
  '—': '-',
  '−': '-',
  '·': '.',
  '•': '*',
  '×': 'x',
  '°': ' ',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  '≤': '<',
  '≥': '>',
  '±': '~',
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '␛': '^',
  '✓': 'x',
  '✗': '!',
  '●': '*',
  '█': '#',
  '░': '.',
}

/**
 * Text without a character outside ASCII, for terminals and pipes that know nothing else. Signs of ours get a stand-in,
 * everything else a question mark for each cell of `widthOf`, so that columns stay where they are.
 */
export function toAscii(text: string, widthOf: (grapheme: string) => number = () => 1): string {
  if (/^[\u0000-\u007f]*$/.test(text)) return text
  return text.replace(/[^\u0000-\u007f]/gu, (sign) => standIns[sign] ?? '?'.repeat(Math.max(0, widthOf(sign))))
}
