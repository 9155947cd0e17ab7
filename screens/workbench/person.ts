import type { HostKeyQuestion, LoginQuestion } from '../../src/host/link/types.ts'
import type { Person } from '../../src/session/hosts.ts'
import { hostKeyWords, loginWords } from '../../src/session/login-words.ts'
import type { Desk } from './desk.ts'
import type { Layers } from './layers.ts'

/** The person at the workbench, for what a link needs: every question is a dialog over whatever is on screen. */
export function personAt(desk: Desk, layers: Layers): Person {
  return {
    get name() {
      return desk.who
    },
    askLogin: (question: LoginQuestion, signal) =>
      layers.askForLink(
        {
          ...loginWords(question),
          kind: 'secret',
          isShown: question.isShown,
          // Some servers only want Enter, once the phone was looked at.
          mayBeEmpty: question.kind === 'answer',
        },
        signal,
      ),
    confirmHostKey: async (question: HostKeyQuestion, signal) =>
      (await layers.askForLink(
        { ...hostKeyWords(question), kind: 'confirm', yes: 'the right key, trust it', no: 'refuse it' },
        signal,
      )) === 'yes',
  }
}
