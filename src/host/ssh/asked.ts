import type { AnyAuthMethod, KeyboardInteractiveAuthMethod } from 'ssh2'
import { sanitiseLine } from '../../text/sanitise.ts'
import type { LoginQuestion } from '../link/types.ts'
import type { KeyRing } from './keys.ts'
import type { SshHop } from './types.ts'

const mostPasswords = 3
/** OpenSSH hangs up at its sixth failure (`MaxAuthTries`), and every failure counts against the address it came from. */
const mostFailures = 6

export interface AskedOptions {
  readonly hop: SshHop
  readonly keys: KeyRing
  /** Runs something for which the deadline of the connection stands still. */
  readonly whileAsking: <T>(work: () => Promise<T>) => Promise<T>
  readonly signal: AbortSignal
  /** Why it ends here, for a person. */
  readonly onTrouble: (why: string) => void
  /** A person gave up in the middle of an exchange that can only be ended with the connection. */
  readonly onGivenUp: () => void
}

/**
 * The ways in on which a person is asked: passwords, and whatever the server asks. Each answer is sent once; a wrong one
 * is asked for again as long as the server will take another (handbook ssh T14).
 */
export class AskedMethods {
  readonly #options: AskedOptions
  readonly #tries = new Map<string, number>()
  /** Sent, and not yet known to be right. */
  #sent: { readonly question: LoginQuestion; readonly answer: string }[] = []
  #isGivenUp = false

  constructor(options: AskedOptions) {
    this.#options = options
  }

  /** What was sent let the user in, or was one of several things that the server wants. */
  worked(): void {
    for (const { question, answer } of this.#sent) this.#options.keys.logins?.worked(question, answer)
    this.#sent = []
  }

  /** The server did not take what was sent. */
  refused(): void {
    for (const { question } of this.#sent) this.#options.keys.logins?.refused(question)
    this.#sent = []
  }

  /** Whether anything could be asked at all. */
  get isPossible(): boolean {
    return this.#options.keys.logins !== undefined && (this.#options.hop.asking?.length ?? 0) > 0
  }

  /**
   * The next thing to send; null when there is none.
   *
   * @param left what the server still takes
   * @param failures of keys, before
   */
  async next(left: readonly string[], failures: number): Promise<AnyAuthMethod | null> {
    const { hop, keys, onTrouble } = this.#options
    const allowed = (hop.asking ?? []).filter((name) => left.includes(name))
    if (allowed.length === 0 || this.#isGivenUp) return null
    if (keys.logins === undefined) {
      onTrouble(`it would take ${allowed.join(', ')}, and nobody can be asked here`)
      return null
    }
    for (const method of allowed) {
      const attempt = (this.#tries.get(method) ?? 0) + 1
      if (attempt > mostPasswords) continue
      const tries = [...this.#tries.values()].reduce((sum, each) => sum + each, 0)
      if (failures + tries >= mostFailures) {
        onTrouble('no more was tried, because servers hang up after six')
        return null
      }
      this.#tries.set(method, attempt)
      const way = method === 'password' ? await this.#password(attempt) : this.#interactive(attempt)
      if (way !== null) return way
    }
    return null
  }

  async #password(attempt: number): Promise<AnyAuthMethod | null> {
    const password = await this.#ask(this.#passwordQuestion(attempt, ''))
    return password === null ? null : { type: 'password', username: this.#options.hop.user, password }
  }

  #interactive(attempt: number): KeyboardInteractiveAuthMethod {
    return {
      type: 'keyboard-interactive',
      username: this.#options.hop.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        void this.#answers(attempt, `${name} ${instructions}`, prompts).then((answers) => {
          if (answers === null) this.#options.onGivenUp()
          else finish([...answers])
        })
      },
    }
  }

  async #answers(
    attempt: number,
    head: string,
    prompts: readonly { readonly prompt: string; readonly echo?: boolean }[],
  ): Promise<readonly string[] | null> {
    const answers: string[] = []
    for (const { prompt, echo } of prompts) {
      const said = sanitiseLine(`${head} ${prompt}`.trim(), 300)
      // Behind this name hides the password of most servers; a code that holds once is called otherwise.
      const isPassword = prompts.length === 1 && echo !== true && /^\s*\S*\s*password:?\s*$/i.test(prompt)
      const question = isPassword
        ? this.#passwordQuestion(attempt, said)
        : this.#options.keys.question('answer', this.#of, attempt, mostPasswords, {
            prompt: said,
            isShown: echo === true,
          })
      const answer = await this.#ask(question)
      if (answer === null) return null
      answers.push(answer)
    }
    return answers
  }

  async #ask(question: LoginQuestion): Promise<string | null> {
    const { keys, whileAsking, signal, onTrouble } = this.#options
    const answer = await whileAsking(async () => (await keys.logins?.answer(question, signal)) ?? null).catch(
      () => null,
    )
    if (answer === null) {
      this.#isGivenUp = true
      onTrouble(`no ${question.kind} was given. Start kx on a terminal to be asked for it`)
    } else this.#sent.push({ question, answer })
    return answer
  }

  #passwordQuestion(attempt: number, prompt: string): LoginQuestion {
    return this.#options.keys.question('password', this.#of, attempt, mostPasswords, { prompt })
  }

  get #of(): string {
    const { user, address, port } = this.#options.hop
    return sanitiseLine(`${user}@${address}:${port}`, 200)
  }
}
