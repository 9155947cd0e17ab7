import { parseDocument } from 'yaml'
import { sanitiseLine } from './sanitise.ts'
import { prescan } from './yaml-prescan.ts'

/** Files of trackers hold all settings of a run: larger than what a person writes for kx. */
const limits = { bytes: 4 * 1024 * 1024, depth: 64, marks: 100_000, aliases: 64 } as const

/**
 * Reads YAML that another program wrote, as far as it goes: unknown tags (`!!python/object`) leave their value as plain text
 * or plain data and construct nothing. Never throws.
 *
 * @returns the data, `undefined` where there is none, and what was wrong in words that follow the name of the file
 */
export function readLooseYaml(source: string): { readonly value: unknown; readonly problem: string | null } {
  const scanned = prescan(source, '', limits)
  if (!scanned.ok) return { value: undefined, problem: `was not read: ${scanned.errors[0]?.message ?? 'unreadable'}` }
  try {
    const document = parseDocument(scanned.text, {
      uniqueKeys: false,
      merge: false,
      schema: 'core',
      strict: false,
      prettyErrors: false,
      logLevel: 'error',
    })
    const [first] = document.errors
    const value = document.toJS({ maxAliasCount: limits.aliases }) as unknown
    return {
      value,
      problem:
        first === undefined ? null : `is not whole YAML (${sanitiseLine(first.message, 160)}); what was read holds`,
    }
  } catch (error) {
    const why = sanitiseLine(error instanceof Error ? error.message : String(error), 160)
    return { value: undefined, problem: `was not read: ${why}` }
  }
}
