import { mask, redactText, type SecretSet } from '../text/redact.ts'
import { sanitise, sanitiseLine } from '../text/sanitise.ts'
import type { DisplayLine } from './types.ts'

/** Fewer characters of a secret's beginning tell nothing, and stand in many words. */
const tellingStart = 5

/** Lines of a worker made fit for a screen and a file: no control characters, no secret values, whole or cut short. */
export function safeLines(lines: readonly DisplayLine[], secrets: SecretSet | null): readonly DisplayLine[] {
  const clean = lines.map((line) =>
    line.map((span) => ({ ...span, text: sanitiseLine(span.text, 65_536) })).filter((span) => span.text !== ''),
  )
  const text = clean.map((line) => line.map((span) => span.text).join('')).join('\n')
  const masked = withoutCutSecrets(redactText(text, secrets).text, secrets)
  // A secret may go over several spans or lines: then colours are given up, and not the secret.
  if (masked === text) return clean
  return masked.split('\n').map((line) => [{ text: line, tone: 'plain' }])
}

/** The same for what code prints and for what is remembered. */
export function safeText(text: string, secrets: SecretSet | null): string {
  return withoutCutSecrets(redactText(sanitise(text, { allowSgr: false, mark: '' }), secrets).text, secrets)
}

/** Where a value was cut for want of room, the beginning of a secret may stand before the mark of the cut. */
function withoutCutSecrets(text: string, secrets: SecretSet | null): string {
  if (secrets === null || !text.includes('…')) return text
  const needles = secrets.needles()
  return text
    .split('…')
    .map((part, at, all) => {
      if (at === all.length - 1) return part
      const body = part.replace(/['"`]$/, '')
      let longest = 0
      for (const needle of needles)
        for (
          let length = Math.min(needle.length - 1, body.length);
          length >= Math.max(tellingStart, longest + 1);
          length -= 1
        )
          if (body.endsWith(needle.slice(0, length))) {
            longest = length
            break
          }
      return longest === 0 ? part : `${body.slice(0, body.length - longest)}${mask}${part.slice(body.length)}`
    })
    .join('…')
}
