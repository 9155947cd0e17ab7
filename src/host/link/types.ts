import type { SshStatus } from '../ssh/types.ts'

/** How the link to one host is, by the name that the plan gives it. */
export interface LinkState {
  readonly host: string
  readonly transport: 'ssh' | 'openssh'
  readonly status: SshStatus
  /** When it came back after it was lost; what was seen before is of before. Null or absent: it was not lost. */
  readonly backAtMs?: number | null
}

/** Every link that this process has open, to read from: screens, the fleet, `--json`. */
export interface Links {
  get(host: string): LinkState | null
  /** In the order in which they were opened. The same array is given back until something changed. */
  all(): readonly LinkState[]
  /** Called after each change of any link. Returns what ends it. */
  subscribe(listener: () => void): () => void
}

/** What a key or a machine wants to know before it lets somebody in. */
export interface LoginQuestion {
  /** `answer`: whatever the other side asks for, such as a code that holds once; it is never remembered. */
  readonly kind: 'passphrase' | 'password' | 'answer'
  /** Name as the plan knows it. */
  readonly host: string
  /** What the answer opens: path of a key file, or `user@address:port`. */
  readonly of: string
  /** Words of the other side, sanitised; empty where it has none of its own. */
  readonly prompt: string
  /** What is typed may be seen. */
  readonly isShown: boolean
  /** From 1. */
  readonly attempt: number
  readonly mostAttempts: number
}

/** Asks a person; null: given up, or there is nobody to ask. */
export type AskLogin = (question: LoginQuestion, signal: AbortSignal) => Promise<string | null>

/** Who answers for a login: what was given before in this process, or a person. */
export interface Logins {
  answer(question: LoginQuestion, signal: AbortSignal): Promise<string | null>
  /** It was right: it is used again without asking. */
  worked(question: LoginQuestion, answer: string): void
  /** It was wrong: it is never given again by itself. */
  refused(question: LoginQuestion): void
}

/** A host key that nothing accepts by itself, for a person to compare. All texts are sanitised. */
export interface HostKeyQuestion {
  /** Name as the plan knows it. */
  readonly host: string
  /** The machine on the way that shows it: the host itself, or a jump host. */
  readonly hop: string
  readonly address: string
  /** `changed`: other keys are known, or another machine was meant. */
  readonly kind: 'unknown' | 'changed'
  readonly keyType: string
  readonly fingerprint: string
  /** As ssh draws it; empty where only the fingerprint is known. */
  readonly randomart: readonly string[]
  /** What was known before. */
  readonly known: readonly { readonly keyType: string; readonly fingerprint: string; readonly from: string }[]
  /** What was found, in sentences. */
  readonly words: readonly string[]
}

export type ConfirmHostKey = (question: HostKeyQuestion, signal: AbortSignal) => Promise<boolean>
