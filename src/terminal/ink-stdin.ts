import { Readable } from 'node:stream'

/** Looks like a raw-mode terminal to Ink and never says anything: keys go to our router, not to `useInput`. */
class SilentStdin extends Readable {
  readonly isTTY = true
  isRaw = false

  override _read(): void {}

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/** The inert stand-in handed to Ink as `stdin` (handbook terminal 8.1). */
export function silentStdin(): NodeJS.ReadStream {
  return new SilentStdin() as unknown as NodeJS.ReadStream
}
