import type { HostKeyQuestion, LoginQuestion, Logins } from '../link/types.ts'
import type { HostKeyPolicy } from '../ssh/trust.ts'

/** The questions of the system's `ssh`, put as kx puts its own. */
export interface OpensshQuestions {
  readonly ask: (prompt: string, signal: AbortSignal) => Promise<string | null>
  /** Whether what was answered since the last time let the user in. */
  settled(isIn: boolean): void
}

/** `Enter passphrase for key '/home/ada/.ssh/id':` and `ada@box's password:`, in the words of OpenSSH. */
const passphrase = /passphrase for (?:key )?["']?(.+?)["']?:\s*$/is
const password = /^(\S+@\S+)'s password:\s*$/is
const authenticity =
  /authenticity of host '([^']{1,300})' can't be established.*?(\S+) key fingerprint is (SHA256:[A-Za-z0-9+/]{43})/is

/** The key file whose passphrase `ssh` asks for; null for any other question. */
export const passphraseOf = (prompt: string): string | null => passphrase.exec(prompt)?.[1] ?? null

/**
 * Answers for `ssh` through its askpass helper. Of a host key the person is shown the fingerprint, and `ssh` is answered
 * with that very fingerprint: it takes the key only if it is the one that was looked at, and writes it down itself.
 */
export function opensshQuestions(host: string, logins: Logins, policy: HostKeyPolicy | undefined): OpensshQuestions {
  let given: { readonly question: LoginQuestion; readonly answer: string }[] = []
  return {
    ask: async (prompt, signal) => {
      const key = authenticity.exec(prompt)
      if (key !== null) {
        const question = keyQuestion(host, key, prompt)
        return (await policy?.confirm(question, signal)) === true ? question.fingerprint : null
      }
      const question = loginQuestion(host, prompt)
      const answer = await logins.answer(question, signal)
      if (answer !== null) given.push({ question, answer })
      return answer
    },
    settled: (isIn) => {
      for (const { question, answer } of given.splice(0))
        if (isIn) logins.worked(question, answer)
        else logins.refused(question)
      given = []
    },
  }
}

function loginQuestion(host: string, prompt: string): LoginQuestion {
  // ssh is told to ask once: a wrong answer costs a connection, and a person says whether there is another.
  const base = { host, attempt: 1, mostAttempts: 1, isShown: false, prompt: '' }
  const file = passphraseOf(prompt)
  if (file !== null) return { ...base, kind: 'passphrase', of: file }
  const account = password.exec(prompt)?.[1]
  if (account !== undefined) return { ...base, kind: 'password', of: account }
  return { ...base, kind: 'answer', of: host, prompt }
}

function keyQuestion(host: string, [, address = '', type = '', fingerprint = '']: RegExpExecArray, prompt: string) {
  const question: HostKeyQuestion = {
    host,
    hop: host,
    address,
    kind: 'unknown',
    keyType: type,
    fingerprint,
    randomart: [],
    known: [],
    words: [prompt],
  }
  return question
}
