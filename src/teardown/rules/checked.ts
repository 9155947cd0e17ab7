import type { CheckedItem, ItemSpec, Override } from '../../walk/item.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { waivable } from '../items.ts'

export const detailLimit = 50

/** Files by name with what is said of each, bounded. */
export const naming = (files: readonly { readonly path: string; readonly text: string }[]): readonly string[] =>
  files.length <= detailLimit
    ? files.map((f) => `${f.path}: ${f.text}`)
    : [...files.slice(0, detailLimit).map((f) => `${f.path}: ${f.text}`), `and ${files.length - detailLimit} more`]

/** An item with its verdict; a written waiver counts for the items that allow one. */
export function checked(
  spec: ItemSpec,
  verdict: Verdict,
  facts: { readonly atMs: number; readonly host: string },
  override?: Override,
): CheckedItem {
  const isBad = spec.severity === 'error' && (verdict.result === 'fail' || verdict.result === 'unknown')
  const isWaived = isBad && override !== undefined && override.reason.trim() !== '' && waivable.includes(spec.id)
  return {
    ...spec,
    // A waiver is part of the manifest's proof, so it weighs less here; the permit itself has no override.
    ...(isWaived && { severity: 'warn' as const, override }),
    result: verdict.result,
    ...(verdict.fix !== undefined && { fix: verdict.fix }),
    ...(verdict.reason !== undefined && { reason: verdict.reason }),
    evidence: {
      summary: isWaived ? `${verdict.summary} (waived by ${override.by}: ${override.reason})` : verdict.summary,
      host: facts.host,
      atMs: facts.atMs,
      ...(verdict.value && { value: verdict.value }),
      ...(verdict.detail && verdict.detail.length > 0 && { detail: verdict.detail }),
    },
  }
}
