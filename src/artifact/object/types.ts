/** One object of a store, as its list tells it. */
export interface StoredObject {
  /** Foreign text. */
  readonly key: string
  readonly bytes: number
  readonly mtimeMs: number
  /** What the store calls this content; another content has another one. */
  readonly etag: string
}

/** Reads of an object store. Every call has a deadline, and is made again where the store asks for that. */
export interface ObjectReads {
  /** All objects whose keys begin so, up to a bound. `isWhole`: there are no more. */
  list(prefix: string): Promise<{ readonly objects: readonly StoredObject[]; readonly isWhole: boolean }>
  /** One object's facts; null: there is none of that key. */
  find(key: string): Promise<StoredObject | null>
  /** Bytes of exactly that content, at most `length`. `gone`: no such object. `changed`: it has another content by now. */
  read(key: string, offset: number, length: number, etag: string): Promise<Uint8Array | 'gone' | 'changed'>
  close(): void
}

/** Where a store is and as whom it is asked. Everything else comes by the ways of the AWS tools; no secret is among it. */
export interface StoreOptions {
  readonly bucket: string
  /** Address of a store that is not Amazon's; null: Amazon's. */
  readonly endpoint: string | null
  /** Bucket in the path and not in the name of the machine, as stores of one's own want it. */
  readonly isPathStyle: boolean
  readonly region: string | null
  readonly profile: string | null
}
