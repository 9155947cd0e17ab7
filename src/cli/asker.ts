import { createInterface } from 'node:readline/promises'
import type { Asker } from '../commands/types.ts'

export interface AskerStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** Asks on the terminal when there is one; without one, everything that needs a person is refused (exit 3). */
export function terminalAsker({ input, output }: AskerStreams): {
  readonly ask: Asker
  readonly needsPerson: () => boolean
} {
  let isNeeded = false
  const canAsk = input.isTTY === true && output.isTTY === true
  const line = async (question: string): Promise<string | null> => {
    if (!canAsk) {
      isNeeded = true
      return null
    }
    const reader = createInterface({ input, output })
    try {
      return await reader.question(question)
    } finally {
      reader.close()
    }
  }
  const say = (detail: readonly string[]) => {
    if (canAsk) for (const text of detail) output.write(`${text}\n`)
  }
  return {
    needsPerson: () => isNeeded,
    ask: {
      confirm: async (question, detail) => {
        say(detail)
        return /^y(es)?$/i.test(((await line(`${question} Type yes: `)) ?? '').trim())
      },
      typed: async (question, expected, detail) => {
        say(detail)
        return line(`${question} Type ${expected}: `)
      },
      text: async (question, initial) => {
        const answer = await line(initial === '' ? `${question}: ` : `${question} (${initial}): `)
        return answer === '' ? initial : answer
      },
    },
  }
}
