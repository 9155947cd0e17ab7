const columns = 17
const rows = 9
/** A cell by how often it was visited; the last two mark start and end. */
const marks = ' .o+=*BOX@%&#/^SE'

/**
 * The picture that `ssh-keygen -lv` draws of a fingerprint: a bishop that walks from the middle by two bits a step. The
 * same key gives the same picture, and another one looks different at a glance.
 *
 * @param fingerprint `SHA256:…`
 * @param title at the upper border, such as `ED25519 256`
 */
export function randomart(fingerprint: string, title: string): readonly string[] {
  const [hash = '', base64 = ''] = fingerprint.split(':')
  const bytes = Buffer.from(base64, 'base64')
  const visits = Array.from({ length: rows }, () => new Array<number>(columns).fill(0))
  let [x, y] = [Math.floor(columns / 2), Math.floor(rows / 2)]
  for (const byte of bytes)
    for (let step = 0; step < 4; step += 1) {
      const bits = (byte >> (2 * step)) & 3
      x = Math.min(columns - 1, Math.max(0, x + ((bits & 1) === 1 ? 1 : -1)))
      y = Math.min(rows - 1, Math.max(0, y + ((bits & 2) === 2 ? 1 : -1)))
      const row = visits[y] as number[]
      row[x] = Math.min(marks.length - 3, (row[x] ?? 0) + 1)
    }
  const start = marks.length - 2
  ;(visits[Math.floor(rows / 2)] as number[])[Math.floor(columns / 2)] = start
  ;(visits[y] as number[])[x] = start + 1
  const border = (text: string) => {
    const room = columns - text.length
    return `+${'-'.repeat(Math.floor(room / 2))}${text}${'-'.repeat(Math.ceil(room / 2))}+`
  }
  return [
    border(`[${title}]`),
    ...visits.map((row) => `|${row.map((count) => marks[count]).join('')}|`),
    border(`[${hash}]`),
  ]
}
