/** Something below the root of a far place. */
export interface FarEntry {
  /** Relative to the root, with `/`. Foreign text. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'other'
  readonly bytes: number
  readonly mtimeMs: number
  /** By what the file is known again: its inode, or what the store calls its version. */
  readonly mark: string
}

export interface FarLook {
  readonly entries: readonly FarEntry[]
  /** What was not looked at, one sentence each. */
  readonly notes: readonly string[]
  /** Name of the one file that was asked for; null: a folder was. */
  readonly only: string | null
  /** As the other side calls the root now, for a person: `box:/data/runs`. */
  readonly root: string
}

/** Files that lie somewhere else, as a reader needs them. Nothing is ever written there. Every call has a deadline. */
export interface FarFiles {
  /** Everything below the root in as few calls as it takes; null: there is no such place. */
  look(): Promise<FarLook | null>
  /**
   * Bytes of a file, at most `length`, short at its end. `gone`: it is not there. `changed`: it is not, or no longer, the
   * file of that mark, and none of its bytes are told.
   */
  read(path: string, offset: number, length: number, mark: string): Promise<Uint8Array | 'gone' | 'changed'>
  /** A file that grows has another mark: it is the same one only where its bytes say so. */
  readonly isMarkedByContent: boolean
  close(): Promise<void>
}
