import { formatBytes, formatDuration } from '../../text/format.ts'

/** The rate is that of this last while: a link that became slow is not praised for what it was. */
const windowMs = 10_000
/** Told at most so often, whatever moves. */
const tellEveryMs = 250

/** What moves, as it was measured: bytes and files done, rate, time left. Time comes in from outside. */
export class TransferMeter {
  readonly #totalBytes: number
  readonly #totalFiles: number
  #doneBytes = 0
  #underWay = 0
  #files = 0
  #marks: { readonly atMs: number; readonly bytes: number }[] = []
  #moved = 0
  #toldAtMs = Number.NEGATIVE_INFINITY

  constructor(totalBytes: number, totalFiles: number, nowMs: number) {
    this.#totalBytes = totalBytes
    this.#totalFiles = totalFiles
    this.#marks.push({ atMs: nowMs, bytes: 0 })
  }

  get files(): number {
    return this.#files
  }

  /** Bytes that came over the link. */
  get moved(): number {
    return this.#moved
  }

  /** Bytes came over the link. True when it is time to say so. */
  add(bytes: number, nowMs: number): boolean {
    this.#moved += bytes
    this.#underWay += bytes
    const last = this.#marks.at(-1)
    if (last === undefined || nowMs - last.atMs >= 100) this.#marks.push({ atMs: nowMs, bytes: this.#moved })
    while (this.#marks.length > 2 && nowMs - (this.#marks[0]?.atMs ?? nowMs) > windowMs) this.#marks.shift()
    return this.#isTime(nowMs)
  }

  /** A file is done, of so many bytes. */
  file(bytes: number, nowMs: number): boolean {
    this.#files += 1
    this.#doneBytes += bytes
    this.#underWay = Math.max(0, this.#underWay - bytes)
    return this.#isTime(nowMs) || this.#files === this.#totalFiles
  }

  /** Bytes a second over the last while; null before anything can be said. */
  bytesPerSecond(nowMs: number): number | null {
    const first = this.#marks[0]
    const seconds = (nowMs - (first?.atMs ?? nowMs)) / 1000
    const bytes = this.#moved - (first?.bytes ?? 0)
    return seconds >= 0.5 && bytes > 0 ? bytes / seconds : null
  }

  /** `12 of 40 files, 1.2 GiB of 4.0 GiB, 85.0 MiB/s, 33 s left`. What was here already counts as done, not as rate. */
  line(nowMs: number): string {
    const done = Math.min(this.#totalBytes, this.#doneBytes + this.#underWay)
    const rate = this.bytesPerSecond(nowMs)
    const left = this.#totalBytes - done
    return [
      `${this.#files} of ${this.#totalFiles} files`,
      `${formatBytes(done)} of ${formatBytes(this.#totalBytes)}`,
      ...(rate === null ? [] : [`${formatBytes(rate)}/s`]),
      ...(rate === null || left === 0 ? [] : [`${formatDuration(Math.ceil(left / rate))} left`]),
    ].join(', ')
  }

  #isTime(nowMs: number): boolean {
    if (nowMs - this.#toldAtMs < tellEveryMs) return false
    this.#toldAtMs = nowMs
    return true
  }
}
