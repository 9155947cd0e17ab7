/**
 * What a probe could tell about one figure. A figure that could not be read is `isKnown: false` with the reason in
 * words; it is never a zero (handbook monitoring 7.3).
 */
export type Reading<T> =
  | { readonly isKnown: true; readonly value: T }
  | { readonly isKnown: false; readonly reason: string }

/** A figure that was read. */
export function known<T>(value: T): Reading<T> {
  return { isKnown: true, value }
}

/** A figure that could not be read, and why. */
export function unknown(reason: string): Reading<never> {
  return { isKnown: false, reason }
}

/** The value, or null when it is not known. For records that carry null as "not known". */
export function orNull<T>(reading: Reading<T>): T | null {
  return reading.isKnown ? reading.value : null
}

/** Applies `change` to a known value and leaves an unknown one as it is. */
export function mapReading<T, U>(reading: Reading<T>, change: (value: T) => U): Reading<U> {
  return reading.isKnown ? known(change(reading.value)) : reading
}

/** A whole number written in decimal digits and nothing else; at most `Number.MAX_SAFE_INTEGER`. */
export function wholeNumber(text: string): Reading<number> {
  if (!/^\d{1,20}$/.test(text)) return unknown(`not a whole number: ${quote(text)}`)
  const value = Number(text)
  return Number.isSafeInteger(value) ? known(value) : unknown(`too large to hold exactly: ${text}`)
}

/** A short quotation of foreign text for a reason: cut, and with control characters replaced. */
export function quote(text: string): string {
  const cut = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return `"${cut.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}"`
}
