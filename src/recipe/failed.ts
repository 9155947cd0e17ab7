/** A cell said of itself that it failed; the words are for a person. */
export class CellFailed extends Error {
  override readonly name = 'CellFailed'
  readonly next: string | null

  constructor(what: string, next?: string) {
    super(what)
    this.next = next ?? null
  }
}
