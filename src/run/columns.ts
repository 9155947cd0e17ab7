/** Values of one key, row by row. `words` with `at`: each value once, and which row has which; no `at`: all have the one. */
export type Column =
  | { readonly values: readonly unknown[] }
  | { readonly words: readonly unknown[]; readonly at?: readonly number[] }

/** Records as columns: many thousand of them say most things alike, and are read back in a fraction of the time. */
export interface Columns {
  /** Key lists that occur. */
  readonly shapes: readonly (readonly string[])[]
  /** Shape of each record; absent: there is one shape, and so many records as `count` says. */
  readonly of?: readonly number[]
  readonly count: number
  /** Of each shape, a column for each of its keys. */
  readonly columns: readonly (readonly Column[])[]
}

/** Past so many different values, most of them used once, a list of the values is shorter. */
const mostWords = 2048

type Plain = Readonly<Record<string, unknown>>

class ColumnBuilder {
  readonly #words: unknown[] = []
  readonly #known = new Map<unknown, number>()
  readonly #at: number[] = []
  #values: unknown[] | null = null

  add(value: unknown): void {
    if (this.#values !== null) {
      this.#values.push(value)
      return
    }
    // Texts and numbers are told apart by themselves, whatever else is by what it says.
    const name = typeof value === 'object' && value !== null ? `\u0000${JSON.stringify(value)}` : value
    let at = this.#known.get(name)
    if (at === undefined) {
      at = this.#words.length
      this.#words.push(value)
      this.#known.set(name, at)
    }
    this.#at.push(at)
    if (this.#words.length > mostWords && this.#words.length * 2 > this.#at.length) {
      this.#values = this.#at.map((word) => this.#words[word])
      this.#known.clear()
    }
  }

  done(): Column {
    if (this.#values !== null) return { values: this.#values }
    return this.#words.length === 1 ? { words: this.#words } : { words: this.#words, at: this.#at }
  }
}

/** Takes records in, one after the other, so that a long list can be taken in pieces. */
export class ColumnsBuilder {
  readonly #shapes = new Map<
    string,
    { readonly at: number; readonly keys: readonly string[]; readonly columns: ColumnBuilder[] }
  >()
  readonly #of: number[] = []

  add(record: object): void {
    const plain = record as Plain
    const keys = Object.keys(plain)
    const name = keys.join('\u0000')
    let shape = this.#shapes.get(name)
    if (shape === undefined) {
      shape = { at: this.#shapes.size, keys, columns: keys.map(() => new ColumnBuilder()) }
      this.#shapes.set(name, shape)
    }
    this.#of.push(shape.at)
    for (let i = 0; i < keys.length; i += 1) shape.columns[i]?.add(plain[keys[i] as string])
  }

  done(): Columns {
    const shapes = [...this.#shapes.values()]
    return {
      shapes: shapes.map(({ keys }) => keys),
      ...(shapes.length > 1 ? { of: this.#of } : {}),
      count: this.#of.length,
      columns: shapes.map(({ columns }) => columns.map((column) => column.done())),
    }
  }
}

/**
 * The records of such columns, each made when it is asked for and equal to what was taken in; equal values of a column of
 * words are one value.
 */
export class ColumnRows {
  readonly count: number
  readonly #columns: Columns
  /** Place of each record among those of its shape; null: there is one shape. */
  readonly #places: Uint32Array | null
  readonly #blanks: readonly Readonly<Record<string, null>>[]

  constructor(columns: Columns) {
    const { shapes, of, count } = columns
    this.count = count
    this.#columns = columns
    // A copy of a whole object keeps its layout; one that is given key after key is several times as large.
    this.#blanks = shapes.map((keys) => Object.fromEntries(keys.map((key) => [key, null])))
    this.#places = null
    if (of === undefined) return
    const next = shapes.map(() => 0)
    this.#places = Uint32Array.from(of, (shape) => {
      const place = next[shape] as number
      next[shape] = place + 1
      return place
    })
  }

  record(row: number): Record<string, unknown> {
    const shape = this.#columns.of?.[row] ?? 0
    const record: Record<string, unknown> = { ...this.#blanks[shape] }
    const keys = this.#columns.shapes[shape] ?? []
    for (let i = 0; i < keys.length; i += 1)
      record[keys[i] as string] = this.#at(shape, i, this.#places === null ? row : (this.#places[row] as number))
    return record
  }

  /** One value of a record, without the rest of it; undefined where it has no such key. */
  value(row: number, key: string): unknown {
    const shape = this.#columns.of?.[row] ?? 0
    const i = this.#columns.shapes[shape]?.indexOf(key) ?? -1
    return i < 0 ? undefined : this.#at(shape, i, this.#places === null ? row : (this.#places[row] as number))
  }

  #at(shape: number, i: number, place: number): unknown {
    const column = this.#columns.columns[shape]?.[i]
    if (column === undefined) return undefined
    if ('values' in column) return column.values[place]
    const { words, at } = column
    return words[at === undefined ? 0 : (at[place] as number)]
  }
}
