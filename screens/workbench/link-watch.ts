import { isLost, type LinkView, linkWords } from '../../src/session/link-words.ts'
import type { Desk } from './desk.ts'

/**
 * Says on the message line what becomes of links: once when one was lost or waits for a person, once when it is back.
 * What a link is at this moment stands in the title.
 */
export class LinkWatch {
  readonly #desk: Desk
  readonly #onBack: () => void
  readonly #unsubscribe: () => void
  #before: ReadonlyMap<string, LinkView> = new Map()

  /** `onBack`: a link that was lost is up again, so what is shown may be looked at anew. */
  constructor(desk: Desk, onBack: () => void) {
    this.#desk = desk
    this.#onBack = onBack
    this.#unsubscribe = desk.links?.subscribe(() => this.#look()) ?? (() => {})
  }

  /** A link is not up: its age or its countdown moves every second. */
  get isCounting(): boolean {
    return this.#desk.links?.all().some(isLost) === true
  }

  close(): void {
    this.#unsubscribe()
  }

  #look(): void {
    const desk = this.#desk
    const links = desk.links?.all() ?? []
    const before = this.#before
    this.#before = new Map(links.map((link) => [link.host, link]))
    desk.nowMs = desk.clock.nowMs()
    for (const link of links) this.#tell(before.get(link.host) ?? null, link)
    desk.changed()
  }

  #tell(before: LinkView | null, link: LinkView): void {
    const desk = this.#desk
    const { state, reason } = link.status
    const was = before?.status.state ?? 'idle'
    if (state === 'up' && before !== null && isLost(before)) {
      desk.say(`the link to ${link.host} is up again`)
      this.#onBack()
    }
    if (state === was) return
    const words = linkWords(link, desk.nowMs, desk.keyOf('host.reconnect'))
    // The first try of several says why; the ones after it would only say the same again.
    if (state === 'paused' || (state === 'down' && link.status.tries <= 1))
      desk.say(`${link.host}: ${words}\n${reason}`, 'warn')
  }
}
