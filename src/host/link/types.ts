import type { SshStatus } from '../ssh/types.ts'

/** How the link to one host is, by the name that the plan gives it. */
export interface LinkState {
  readonly host: string
  readonly transport: 'ssh' | 'openssh'
  readonly status: SshStatus
}

/** Every link that this process has open, to read from: screens, the fleet, `--json`. */
export interface Links {
  get(host: string): LinkState | null
  /** In the order in which they were opened. The same array is given back until something changed. */
  all(): readonly LinkState[]
  /** Called after each change of any link. Returns what ends it. */
  subscribe(listener: () => void): () => void
}
