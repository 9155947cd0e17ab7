import type { ConfigDiff } from './config-diff.ts'

/** The four things that make a run what it is, and the seed, which is no change of the experiment. */
export type Band = 'config' | 'code' | 'environment' | 'data'

export interface Change {
  readonly band: Band
  /** For a person: which setting, package, commit. */
  readonly what: string
}

export interface OneChange {
  readonly word: 'identical' | 'exactly one thing changed' | 'several things changed' | 'cannot tell'
  readonly changes: readonly Change[]
  /** Bands of which some run says nothing: they may hide a change. */
  readonly unknown: readonly Band[]
  readonly isSeedChanged: boolean
}

/**
 * Whether exactly one thing differs over config, code, environment and data. A band that nobody recorded is never taken for
 * unchanged: then the answer can only be "cannot tell", or that several things changed already (handbook compare 8).
 */
export function oneChange(
  config: ConfigDiff,
  others: readonly { readonly band: Band; readonly changes: readonly string[]; readonly isKnown: boolean }[],
): OneChange {
  const changes: Change[] = config.changed
    .filter(({ isSeed }) => !isSeed)
    .map(({ key }) => ({ band: 'config' as const, what: key }))
  for (const { band, changes: these } of others) changes.push(...these.map((what) => ({ band, what })))
  const unknown = others.filter(({ isKnown }) => !isKnown).map(({ band }) => band)
  const word =
    changes.length > 1
      ? 'several things changed'
      : unknown.length > 0
        ? 'cannot tell'
        : changes.length === 1
          ? 'exactly one thing changed'
          : 'identical'
  return { word, changes, unknown, isSeedChanged: config.changed.some(({ isSeed }) => isSeed) }
}
