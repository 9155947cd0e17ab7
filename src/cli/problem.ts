import { ZodError } from 'zod'

export interface Problem {
  readonly text: string
  readonly exitCode: 1 | 2 | 4
}

/** An error as a person should read it. Errors of ours carry what to do next in their message; others say that they are bugs. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ZodError)
    return { text: error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '), exitCode: 2 }
  if (error instanceof Error) {
    // RunError, HostError and their kin set a name of their own; a bare Error or TypeError is a bug of ours.
    const isOurs =
      error.name !== 'Error' &&
      error.name !== 'TypeError' &&
      error.name !== 'RangeError' &&
      error.name !== 'ReferenceError'
    const stack = process.env.KX_DEBUG ? `\n${error.stack ?? ''}` : ''
    return { text: isOurs ? error.message + stack : `${error.message}${stack}`, exitCode: 1 }
  }
  return { text: String(error), exitCode: 4 }
}
