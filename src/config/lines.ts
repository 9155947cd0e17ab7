import { sanitiseLine } from '../text/sanitise.ts'
import { leaves, valueAt } from './leaves.ts'
import { type EffectiveConfig, originWords } from './load.ts'

export interface ConfigRow {
  readonly key: string
  /** As it would be written in the file. */
  readonly value: string
  /** `built-in`, file and line, variable or flag. */
  readonly origin: string
}

/** Every setting with its value and where that came from; key bindings one by one. */
export function configRows(effective: Pick<EffectiveConfig, 'config' | 'origin'>): readonly ConfigRow[] {
  return leaves.flatMap((leaf): ConfigRow[] => {
    if (leaf.key !== 'keys')
      return [
        {
          key: leaf.key,
          value: valueWords(valueAt(effective.config, leaf.path)),
          origin: originWords(effective.origin[leaf.key]),
        },
      ]
    return Object.entries(effective.config.keys).map(([id, chords]) => ({
      key: sanitiseLine(`keys.${id}`, 200),
      value: valueWords(chords),
      origin: originWords(effective.origin[`keys.${id}`]),
    }))
  })
}

/** The same as lines: `patrol.diskWarnPercent: 90   # built-in`. */
export function configLines(effective: Pick<EffectiveConfig, 'config' | 'origin'>): readonly string[] {
  const rows = configRows(effective).map((row) => ({ text: `${row.key}: ${row.value}`, origin: row.origin }))
  const width = Math.min(56, Math.max(...rows.map((row) => row.text.length)))
  return rows.map((row) => `${row.text.padEnd(width)}  # ${row.origin}`)
}

/** A value on one line, as YAML. */
export function valueWords(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueWords).join(', ')}]`
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  const clean = sanitiseLine(value, 200)
  return /^[A-Za-z_./~][A-Za-z0-9_./~-]*$/.test(clean) && !/^(?:true|false|null|~|yes|no|on|off)$/i.test(clean)
    ? clean
    : JSON.stringify(clean)
}
