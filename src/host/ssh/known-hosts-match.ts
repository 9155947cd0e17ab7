import { createHmac, randomBytes } from 'node:crypto'
import { decodeBase64 } from './known-hosts-key.ts'

/** What is connected to, as known_hosts files name it. */
export interface HostKeyTarget {
  /** Host name or address after `HostName` was applied. */
  readonly host: string
  readonly port: number
  /** `HostKeyAlias`: looked up instead of host and port. */
  readonly hostKeyAlias?: string | null
}

const defaultPort = 22
const hashMagic = '|1|'
/** OpenSSH gives up on a whole list in which one pattern is this long. */
const longestPattern = 1023
const longestSaltText = 1024
const sha1Bytes = 20

/**
 * Names that are looked up, in this order: the alias alone; or the host, as `[host]:port` when the port is not 22, and then
 * the bare host, which counts only when it has that very key (OpenSSH: "checking without port identifier").
 */
export function knownHostsNames(target: HostKeyTarget): readonly string[] {
  const alias = target.hostKeyAlias ?? null
  if (alias !== null) return [lower(alias)]
  const host = lower(target.host)
  return target.port === defaultPort ? [host] : [`[${host}]:${target.port}`, host]
}

/** Only letters of ASCII have a case in names of hosts. */
export function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Whether the first field of a line names the host. Both are bytes in a string (latin1). */
export function isNamed(name: string, field: string): boolean {
  if (!field.startsWith('|')) return matchesList(lower(name), field)
  const salt = saltOf(field)
  return salt !== null && hashName(name, salt) === field
}

/** A field that looks like a hashed name and holds no salt that could be used. */
export function isBrokenHash(field: string): boolean {
  return field.startsWith('|') && saltOf(field) === null
}

function saltOf(field: string): Buffer | null {
  if (!field.startsWith(hashMagic)) return null
  const end = field.indexOf('|', hashMagic.length)
  const text = end < 0 ? '' : field.slice(hashMagic.length, end)
  if (text === '' || text.length > longestSaltText) return null
  const salt = decodeBase64(text)
  return salt?.length === sha1Bytes ? salt : null
}

/** `|1|salt|hash` of a name: HMAC-SHA1 with a salt of 20 bytes, by default a new one. */
export function hashName(name: string, salt: Uint8Array = randomBytes(sha1Bytes)): string {
  const hash = createHmac('sha1', salt).update(Buffer.from(name, 'latin1')).digest('base64')
  return `${hashMagic}${Buffer.from(salt).toString('base64')}|${hash}`
}

/** A comma list of patterns: one that matches is enough, and one negated that matches undoes all. */
function matchesList(name: string, list: string): boolean {
  let isPositive = false
  // A comma at the very end ends the list; anywhere else it leaves an empty pattern, which matches no host.
  for (const item of list.split(',')) {
    const isNegated = item.startsWith('!')
    const pattern = lower(isNegated ? item.slice(1) : item)
    if (pattern.length >= longestPattern) return false
    if (!matchesPattern(name, pattern)) continue
    if (isNegated) return false
    isPositive = true
  }
  return isPositive
}

/** `*` stands for any run, `?` for one byte. Linear in memory, at worst quadratic in time. */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0
  let p = 0
  let star = -1
  let resume = 0
  while (at < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++
      resume = at
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++
      at++
    } else if (star >= 0) {
      p = star + 1
      at = ++resume
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
