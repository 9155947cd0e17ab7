import type { AskLogin, LoginQuestion, Logins } from './types.ts'

/**
 * Passphrases and passwords of this process: each is asked for once, kept in memory only, and given again only after it
 * was seen to be right. Two connections that want the same at the same moment ask once.
 *
 * @param onSecret told of each answer before it is used, so that nothing shows or stores it
 */
export function createLogins(ask: AskLogin, onSecret: (name: string, value: string) => void | Promise<void>): Logins {
  const right = new Map<string, string>()
  const waiting = new Map<string, Promise<string | null>>()
  const asked = async (question: LoginQuestion, signal: AbortSignal) => {
    const given = await ask(question, signal)
    if (given !== null && given !== '' && !question.isShown && !isCode(question, given))
      await onSecret(`${question.kind} of ${question.of}`, given)
    return given
  }
  return {
    answer: (question, signal) => {
      if (question.kind === 'answer') return asked(question, signal)
      const key = keyOf(question)
      const known = question.attempt === 1 ? right.get(key) : undefined
      if (known !== undefined) return Promise.resolve(known)
      const under = waiting.get(key)
      if (under !== undefined) return under
      const answer = asked(question, signal).finally(() => waiting.delete(key))
      waiting.set(key, answer)
      return answer
    },
    worked: (question, answer) => {
      if (question.kind !== 'answer') right.set(keyOf(question), answer)
    },
    refused: (question) => void right.delete(keyOf(question)),
  }
}

const keyOf = ({ kind, of }: LoginQuestion) => `${kind} ${of}`

/** Digits that hold once are no secret later, and masking them would mask figures of the run. */
const isCode = ({ kind }: LoginQuestion, given: string) => kind === 'answer' && /^\d{1,10}$/.test(given)
