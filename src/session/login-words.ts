import type { HostKeyQuestion, LoginQuestion } from '../host/link/types.ts'

export type { HostKeyQuestion } from '../host/link/types.ts'

/** A question in a title and lines: the same for a dialog and for a plain terminal. */
export interface Worded {
  readonly title: string
  readonly lines: readonly string[]
}

/** What is asked before a login: for which key or machine, and which attempt it is. */
export function loginWords({ kind, host, of, prompt, attempt, mostAttempts }: LoginQuestion): Worded {
  const again = attempt === 1 ? [] : [`Attempt ${attempt} of ${mostAttempts}: what was typed before was not right.`]
  const kept = 'It is kept in memory until kx ends, and stored nowhere.'
  switch (kind) {
    case 'passphrase':
      return { title: `Passphrase of a key for ${host}`, lines: [`Key: ${of}`, ...again, kept] }
    case 'password':
      return {
        title: `Password for ${host}`,
        lines: [
          `Account: ${of}`,
          ...again,
          'A wrong one counts against you there: servers lock out who fails often.',
          kept,
        ],
      }
    case 'answer':
      return { title: `${host} asks before it lets you in`, lines: [`Account: ${of}`, prompt, ...again] }
  }
}

/** What was asked for where nobody can be asked, and what to do about it before the next time. */
export function needWords({ kind, host, of, prompt }: LoginQuestion): string {
  switch (kind) {
    case 'passphrase':
      return `The key ${of} for ${host} has a passphrase, and there is no terminal to ask for it. Add it to the agent first: ssh-add ${of}`
    case 'password':
      return `${of} asks for a password, and there is no terminal to type it. Let a key in there, or run this on a terminal.`
    case 'answer':
      return `${host} asks before it lets anybody in (${prompt || of}), and there is no terminal to answer. Run this on a terminal.`
  }
}

export function keyNeedWords({ hop, host, keyType, fingerprint }: HostKeyQuestion): string {
  return `Nobody knows the host key of ${hop} (${keyType} ${fingerprint}), and there is no terminal to confirm it. Compare it by another way, then: kx host trust ${host} --fingerprint ${fingerprint}`
}

/** A host key for comparing: what is shown, what was known, and what to do before saying yes. */
export function hostKeyWords(question: HostKeyQuestion): Worded {
  const { host, hop, address, kind, keyType, fingerprint, known, words, randomart } = question
  const way = hop === host ? '' : `, on the way to ${host}`
  const before = known.map((key) => `Known: ${key.keyType} ${key.fingerprint} (${key.from})`)
  return {
    title: kind === 'changed' ? `The host key of ${hop} is not the known one` : `Nobody knows the host key of ${hop}`,
    lines: [
      `Machine: ${address}${way}`,
      `Shown: ${keyType} ${fingerprint}`,
      ...before,
      'Compare the fingerprint with the console of the machine, or with what its provider says. Whoever sits in between can show any key.',
      ...(kind === 'changed'
        ? ['Saying yes replaces what was known for this host and port; the old line is kept beside.']
        : []),
      ...(kind === 'changed' ? words : []),
      ...randomart,
    ],
  }
}
