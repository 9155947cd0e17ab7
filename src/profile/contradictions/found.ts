import type { Profile } from '../schema.ts'

/** One thing that is wrong, by its path in the profile. */
export interface Found {
  readonly rule: string
  readonly severity: 'error' | 'warn'
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint: string
}

/** One question to a profile; empty: nothing is wrong. Pure. */
export type Rule = (profile: Profile) => readonly Found[]

/** An error at a path: what cannot be, and what to write instead. */
export const wrong = (rule: string, path: Found['path'], message: string, hint: string): Found => ({
  rule,
  severity: 'error',
  path,
  message,
  hint,
})
