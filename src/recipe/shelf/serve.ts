import type { ServedFinding } from '../contract.ts'

/** Findings of a disk begin their evidence with the path of its tier: `/data: 3 GiB free`. */
export function folderOfTier({ evidence, text }: ServedFinding): Readonly<Record<string, unknown>> {
  for (const words of [evidence.path, ...Object.values(evidence), text]) {
    if (typeof words !== 'string') continue
    const folder = /^(\/[^:\n]*)(?::|$)/.exec(words)?.[1]
    if (folder !== undefined) return { folder }
  }
  return {}
}
