import { readFile } from 'node:fs/promises'
import type { BaseAgent, ParsedKey } from 'ssh2'
import { sanitiseLine } from '../../text/sanitise.ts'
import { isMissing } from '../errors.ts'
import type { LoginQuestion, Logins } from '../link/types.ts'
import { within } from './deadline.ts'
import { messageOf } from './errors.ts'
import { readKeyText } from './known-hosts-key.ts'
import type { SshHop } from './types.ts'

type Ssh2 = typeof import('ssh2')

const agentSeconds = 5
/** Servers hang up after six by default (`MaxAuthTries`), and count each against the address it came from. */
const mostOffers = 5
const passphraseAttempts = 3

/** The server would take this key, and nobody gave its passphrase. */
export class NoPassphrase extends Error {}

/** One key that may be offered: its public half is shown first, the private one is used when the server wants it. */
export interface OfferedKey {
  /** For a person. */
  readonly label: string
  readonly publicKey: ParsedKey
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>
}

export interface Offers {
  readonly keys: readonly OfferedKey[]
  /** Why a key is not among them, for a person. */
  readonly notes: readonly string[]
}

interface KeyFile {
  readonly path: string
  readonly publicKey: ParsedKey | null
  readonly privateText: Buffer | null
}

/** Key files and agents of one host. A passphrase is asked once, and only when the server wants that very key. */
export class KeyRing {
  readonly #host: string
  readonly logins: Logins | undefined
  readonly #unlocked = new Map<string, ParsedKey>()
  readonly #unlocking = new Map<string, Promise<ParsedKey>>()

  /** Public half that let the user in last, by hop. */
  readonly #worked = new Map<string, Buffer>()

  /** @param host name as the plan knows it, for the questions */
  constructor(host: string, logins?: Logins) {
    this.#host = host
    this.logins = logins
  }

  /** Keys for one hop, in order: its files (by the agent where it holds them), then other keys of the agent if allowed. */
  async offers(
    ssh2: Ssh2,
    hop: SshHop,
    whileAsking: <T>(work: () => Promise<T>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Offers> {
    const notes: string[] = []
    const agent = hop.agentSocket === null ? null : new ssh2.OpenSSHAgent(hop.agentSocket)
    const held = agent === null ? [] : await agentKeys(ssh2, agent, notes)
    const keys: OfferedKey[] = []
    const seen = new Set<string>()
    const add = (key: OfferedKey) => {
      const blob = key.publicKey.getPublicSSH().toString('base64')
      if (seen.has(blob)) return
      seen.add(blob)
      keys.push(key)
    }
    for (const path of hop.identityFiles) {
      const file = await readKeyFile(ssh2, path, notes)
      if (file === null) continue
      const publicKey = file.publicKey ?? (await this.#publicByPrivate(ssh2, file, whileAsking, signal, notes))
      if (publicKey === null) continue
      const same = held.find((key) => sameKey(key, publicKey))
      if (same !== undefined && agent !== null) add(byAgent(agent, same, shown(path)))
      else if (file.privateText === null) notes.push(`${shown(path)}: only its public half is there`)
      else
        add({
          label: shown(path),
          publicKey,
          sign: async (data, hash) => {
            const key = await this.#unlock(ssh2, file, whileAsking, signal)
            return signed(key.sign(data, hash))
          },
        })
    }
    if (!hop.identitiesOnly && agent !== null)
      for (const key of held) add(byAgent(agent, key, `agent: ${shown(key.comment || key.type)}`))
    const worked = this.#worked.get(hopKey(hop))
    const first = keys.findIndex((key) => worked?.equals(key.publicKey.getPublicSSH()))
    // Each refusal counts against this address there, so the key that is known to be right goes first.
    if (first > 0) keys.unshift(...keys.splice(first, 1))
    if (keys.length > mostOffers)
      notes.push(`${keys.length - mostOffers} more keys were not offered: servers hang up after six`)
    return { keys: keys.slice(0, mostOffers), notes }
  }

  /** What a person is asked, on behalf of this host. */
  question(
    kind: LoginQuestion['kind'],
    of: string,
    attempt: number,
    mostAttempts: number,
    more: Partial<Pick<LoginQuestion, 'prompt' | 'isShown'>> = {},
  ): LoginQuestion {
    return { kind, host: this.#host, of, attempt, mostAttempts, prompt: '', isShown: false, ...more }
  }

  /** This key let the user in. */
  worked(hop: SshHop, key: OfferedKey): void {
    this.#worked.set(hopKey(hop), key.publicKey.getPublicSSH())
  }

  /** Old formats hide the public half too, so the passphrase is needed to offer them at all. */
  async #publicByPrivate(
    ssh2: Ssh2,
    file: KeyFile,
    whileAsking: <T>(work: () => Promise<T>) => Promise<T>,
    signal: AbortSignal,
    notes: string[],
  ): Promise<ParsedKey | null> {
    try {
      return await this.#unlock(ssh2, file, whileAsking, signal)
    } catch (error) {
      notes.push(`${shown(file.path)}: ${messageOf(error)}`)
      return null
    }
  }

  #unlock(
    ssh2: Ssh2,
    file: KeyFile,
    whileAsking: <T>(work: () => Promise<T>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<ParsedKey> {
    const known = this.#unlocked.get(file.path)
    if (known !== undefined && (file.publicKey === null || sameKey(known, file.publicKey)))
      return Promise.resolve(known)
    // Control and bulk may want the same key at the same moment: a person is asked once.
    const under = this.#unlocking.get(file.path)
    if (under !== undefined) return whileAsking(() => under)
    const work = whileAsking(() => this.#unlockNow(ssh2, file, signal)).finally(() => this.#unlocking.delete(file.path))
    this.#unlocking.set(file.path, work)
    return work
  }

  async #unlockNow(ssh2: Ssh2, file: KeyFile, signal: AbortSignal): Promise<ParsedKey> {
    const text = file.privateText
    if (text === null) throw new Error('only its public half is there')
    for (let attempt = 0; ; attempt += 1) {
      let passphrase: string | null = null
      const question = this.question('passphrase', file.path, attempt, passphraseAttempts)
      if (attempt > 0) {
        if (this.logins === undefined) throw new NoPassphrase('it has a passphrase')
        if (attempt > passphraseAttempts) throw new Error(`${passphraseAttempts} passphrases were wrong`)
        passphrase = await this.logins.answer(question, signal)
        if (passphrase === null) throw new NoPassphrase('it has a passphrase, and none was given')
      }
      const parsed = one(passphrase === null ? ssh2.utils.parseKey(text) : ssh2.utils.parseKey(text, passphrase))
      if (!(parsed instanceof Error)) {
        if (!parsed.isPrivateKey()) throw new Error('it holds no private key')
        this.#unlocked.set(file.path, parsed)
        if (passphrase !== null) this.logins?.worked(question, passphrase)
        return parsed
      }
      if (attempt === 0 && !isLocked(parsed)) throw parsed
      if (attempt > 0) this.logins?.refused(question)
    }
  }
}

const hopKey = (hop: SshHop) => `${hop.user}@${hop.address}:${hop.port}`
const shown = (text: string) => sanitiseLine(text, 200)
const sameKey = (a: ParsedKey, b: ParsedKey) => a.getPublicSSH().equals(b.getPublicSSH())
const isLocked = (error: Error) => /passphrase/i.test(error.message)
const one = (parsed: ParsedKey | ParsedKey[] | Error) =>
  Array.isArray(parsed) ? (parsed[0] ?? new Error('it holds no key')) : parsed

function signed(signature: Buffer | Error): Buffer {
  if (signature instanceof Error) throw signature
  return signature
}

async function agentKeys(ssh2: Ssh2, agent: BaseAgent, notes: string[]): Promise<readonly ParsedKey[]> {
  const asked = new Promise<readonly unknown[]>((resolve, reject) => {
    agent.getIdentities((error, keys) => (error ? reject(error) : resolve(keys ?? [])))
  })
  try {
    const keys = await within(asked, agentSeconds, () => new Error(`no answer within ${agentSeconds} s`))
    return keys.flatMap((key) => {
      const parsed = one(ssh2.utils.parseKey(key as Buffer))
      return parsed instanceof Error ? [] : [parsed]
    })
  } catch (error) {
    notes.push(`the agent could not be asked: ${shown(messageOf(error))}`)
    return []
  }
}

function byAgent(agent: BaseAgent, publicKey: ParsedKey, label: string): OfferedKey {
  return {
    label,
    publicKey,
    sign: (data, hash) =>
      new Promise<Buffer>((resolve, reject) => {
        agent.sign(publicKey, data, hash === undefined ? {} : { hash: hash as 'sha256' }, (error, signature) =>
          error || signature === undefined
            ? reject(error ?? new Error('the agent gave no signature'))
            : resolve(Buffer.from(signature as Buffer)),
        )
      }),
  }
}

async function readKeyFile(ssh2: Ssh2, path: string, notes: string[]): Promise<KeyFile | null> {
  const beside = path.endsWith('.pub') ? path : `${path}.pub`
  const [given, publicText] = await Promise.all([readIfThere(path, notes), readIfThere(beside, notes)])
  if (given === null && publicText === null) return null
  const publicKey = publicText === null ? null : parsePublic(ssh2, publicText.toString('latin1'))
  if (given === null || path.endsWith('.pub')) return { path, publicKey, privateText: null }
  const fromPrivate = publicInside(given)
  const inside = fromPrivate === null ? null : parsePublic(ssh2, fromPrivate)
  if (inside === null && publicKey === null && /BEGIN OPENSSH PRIVATE KEY/.test(given.toString('latin1'))) {
    // Such as sk-ssh-ed25519: skipping it without a word would look like a refusal by the server.
    notes.push(`${shown(path)}: kx cannot use this kind of key by itself. Use the system's ssh (transport openssh)`)
    return null
  }
  return { path, publicKey: inside ?? publicKey, privateText: given }
}

async function readIfThere(path: string, notes: string[]): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (!isMissing(error)) notes.push(`${shown(path)}: ${shown(messageOf(error))}`)
    return null
  }
}

function parsePublic(ssh2: Ssh2, line: string): ParsedKey | null {
  const [type = '', base64 = ''] = line.trim().split(/\s+/)
  if (readKeyText(type, base64) === null) return null
  const parsed = one(ssh2.utils.parseKey(`${type} ${base64}`))
  return parsed instanceof Error ? null : parsed
}

const magic = 'openssh-key-v1\0'

/** The public half inside a private key in the format of OpenSSH, which stands there in the clear: `type base64`. */
function publicInside(file: Buffer): string | null {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(file.toString('latin1'))?.[1]
  if (body === undefined) return null
  const bytes = Buffer.from(body.replace(/\s/g, ''), 'base64')
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null
  let at = magic.length
  const next = (): Buffer | null => {
    if (at + 4 > bytes.byteLength) return null
    const length = bytes.readUInt32BE(at)
    if (at + 4 + length > bytes.byteLength) return null
    const part = bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
    return part
  }
  // Cipher, its key derivation, and the options of that.
  if (next() === null || next() === null || next() === null || at + 4 > bytes.byteLength) return null
  at += 4
  const blob = next()
  if (blob === null || blob.byteLength < 4) return null
  const length = blob.readUInt32BE(0)
  return `${blob.toString('latin1', 4, Math.min(blob.byteLength, 4 + length))} ${blob.toString('base64')}`
}
