import type { FromWorker, ToWorker } from './types.ts'

type Answer = Extract<ToWorker, { type: 'answer' }>

/** Calls from the worker to the main process, where connections, gates and files of the run are. */
export class Calls {
  readonly #post: (message: FromWorker) => void
  readonly #cellNow: () => number
  readonly #open = new Map<number, (answer: Answer) => void>()
  #next = 1

  constructor(post: (message: FromWorker) => void, cellNow: () => number) {
    this.#post = post
    this.#cellNow = cellNow
  }

  /** Rejects with what the main process says, in an error of the same name and code. */
  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = this.#next
    this.#next += 1
    const answered = Promise.withResolvers<unknown>()
    this.#open.set(id, ({ value, error }) => {
      if (error === undefined) return answered.resolve(value)
      const made = new Error(error.message)
      if (error.name !== 'Error') Object.defineProperty(made, 'name', { value: error.name })
      answered.reject(error.code === undefined ? made : Object.assign(made, { code: error.code }))
    })
    try {
      this.#post({ type: 'call', id, cell: this.#cellNow(), name, args })
    } catch (error) {
      this.#open.delete(id)
      answered.reject(error)
    }
    return answered.promise
  }

  onAnswer(answer: Answer): void {
    this.#open.get(answer.id)?.(answer)
    this.#open.delete(answer.id)
  }
}
