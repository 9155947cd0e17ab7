import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Asker } from '../commands/types.ts'
import type { Person } from '../session/hosts.ts'
import { hostKeyWords, keyNeedWords, loginWords, needWords } from '../session/login-words.ts'

export interface AskerStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export interface TerminalAsker {
  readonly ask: Asker
  readonly person: Person
  /** Something was asked that nobody could answer. */
  readonly needsPerson: () => boolean
  /** What a login wanted of a person, in sentences that say what to do; empty on a terminal. */
  readonly needs: () => readonly string[]
}

/**
 * Asks on the terminal when there is one; without one, everything that needs a person is refused (exit 3).
 *
 * @param name of the person, for records
 */
export function terminalAsker({ input, output }: AskerStreams, name = ''): TerminalAsker {
  let isNeeded = false
  const needs = new Set<string>()
  const canAsk = input.isTTY === true && output.isTTY === true
  /** One question at a time: links may want two things at once. */
  let turn: Promise<unknown> = Promise.resolve()
  const line = async (question: string, how: LineOptions = {}): Promise<string | null> => {
    if (!canAsk) {
      isNeeded = true
      return null
    }
    const mine = turn.then(() => readLine({ input, output }, question, how))
    turn = mine.catch(() => {})
    return mine
  }
  const say = (detail: readonly string[]) => {
    if (canAsk) for (const text of detail) output.write(`${text}\n`)
  }
  const confirm = async (question: string, detail: readonly string[], how: LineOptions = {}) => {
    say(detail)
    return /^y(es)?$/i.test(((await line(`${question} Type yes: `, how)) ?? '').trim())
  }
  return {
    needsPerson: () => isNeeded,
    needs: () => [...needs],
    ask: {
      isAttended: canAsk,
      confirm: (question, detail) => confirm(question, detail),
      typed: async (question, expected, detail) => {
        say(detail)
        return line(`${question} Type ${expected}: `)
      },
      text: async (question, initial) => {
        const answer = await line(initial === '' ? `${question}: ` : `${question} (${initial}): `)
        return answer === '' ? initial : answer
      },
    },
    person: {
      name,
      askLogin: async (question, signal) => {
        if (!canAsk) needs.add(needWords(question))
        const { title, lines } = loginWords(question)
        say([title, ...lines])
        const answer = await line(question.isShown ? 'Answer: ' : 'It is not shown while you type: ', {
          signal,
          isHidden: !question.isShown,
        })
        return answer === '' && question.kind !== 'answer' ? null : answer
      },
      confirmHostKey: async (question, signal) => {
        if (!canAsk) needs.add(keyNeedWords(question))
        const { title, lines } = hostKeyWords(question)
        return confirm('Is it the right key?', [title, ...lines], { signal })
      },
    },
  }
}

interface LineOptions {
  readonly signal?: AbortSignal
  /** Nothing that is typed is printed. */
  readonly isHidden?: boolean
}

/** One line; null when it was given up with Ctrl-C or Ctrl-D, or nobody waits for it any more. */
async function readLine(
  { input, output }: AskerStreams,
  question: string,
  { signal, isHidden = false }: LineOptions,
): Promise<string | null> {
  if (!isHidden && signal === undefined) {
    const reader = createInterface({ input, output })
    try {
      return await reader.question(question)
    } finally {
      reader.close()
    }
  }
  // readline prints what it edits: into nothing here, after the question itself.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  if (isHidden) output.write(question)
  const reader = createInterface({ input, output: isHidden ? nowhere : output, terminal: true, historySize: 0 })
  const end = Promise.withResolvers<null>()
  const giveUp = () => end.resolve(null)
  reader.once('SIGINT', giveUp)
  reader.once('close', giveUp)
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted === true) giveUp()
  try {
    return await Promise.race([reader.question(isHidden ? '' : question), end.promise])
  } catch {
    return null
  } finally {
    signal?.removeEventListener('abort', giveUp)
    reader.close()
    if (isHidden) output.write('\n')
  }
}
