import { type Runtime, Session } from 'node:inspector'
import { promiseHooks } from 'node:v8'

type Answered<T> = (error: Error | null, answer: T) => void

function promised<T>(post: (answered: Answered<T>) => void): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  post((error, answer) => (error === null ? resolve(answer) : reject(error)))
  return promise
}

/** The inspector of the thread that it is used in. */
export class OwnInspector {
  readonly #session = new Session()
  readonly #held = new Set<Promise<unknown>>()

  connect(): void {
    this.#session.connect()
  }

  evaluate(params: Runtime.EvaluateParameterType): Promise<Runtime.EvaluateReturnType> {
    return promised((answered) => this.#session.post('Runtime.evaluate', params, answered))
  }

  /**
   * Evaluates an entry. Node 24.21 dies when the promise that the inspector waits for is collected, since it calls
   * JavaScript in the middle of the collection. So the promise of the entry, which is the first one made, is held until
   * there is an answer, and for good where none comes.
   */
  evaluateEntry(params: Runtime.EvaluateParameterType): Promise<Runtime.EvaluateReturnType> {
    return promised((answered) => {
      let first: Promise<unknown> | null = null
      const stop = promiseHooks.onInit((promise) => {
        first ??= promise
      }) as () => void
      let isAnswered = false
      try {
        this.#session.post('Runtime.evaluate', params, (error, answer) => {
          isAnswered = true
          if (first !== null) this.#held.delete(first)
          answered(error, answer)
        })
      } finally {
        stop()
        if (first !== null && !isAnswered) this.#held.add(first)
      }
    })
  }

  async lexicalNames(): Promise<readonly string[]> {
    const { names } = await promised<Runtime.GlobalLexicalScopeNamesReturnType>((answered) =>
      this.#session.post('Runtime.globalLexicalScopeNames', {}, answered),
    )
    return [...new Set(names)]
  }

  /** Nothing is said where it does not work out. */
  async callFunctionOn(params: Runtime.CallFunctionOnParameterType): Promise<void> {
    await promised<Runtime.CallFunctionOnReturnType>((answered) =>
      this.#session.post('Runtime.callFunctionOn', params, answered),
    ).catch(() => undefined)
  }

  release(objectGroup: string): void {
    this.#session.post('Runtime.releaseObjectGroup', { objectGroup })
  }
}
