import { Names } from '../names.ts'
import { Fields, wire } from '../protobuf.ts'
import type { Sink } from '../types.ts'
import { hparamsOf } from './hparams.ts'
import { scalarOf } from './tensor.ts'

const unknownTarget = -2
const notWanted = -1
const hparamsPlugin = 'hparams'

/** Takes the events of TensorBoard's files of one run and says to a sink what they mean (handbook compare 4.2). */
export class TfEvents {
  /** Events whose bytes are no message. */
  broken = 0
  /** Values that are no scalar: histograms, images, texts. */
  others = 0
  private readonly names = new Names()
  /** By the id of a tag: its last step in any file, and which file wrote it last. */
  private readonly lastSteps: number[] = []
  private readonly lastFiles: number[] = []
  private readonly files: { firstStep: number | null; hasRestarted: boolean }[] = []
  private targets = new Int32Array(64).fill(unknownTarget)
  private readonly event = new Fields(Buffer.alloc(0))
  private readonly summary = new Fields(Buffer.alloc(0))
  private readonly value = new Fields(Buffer.alloc(0))

  /** Another sink has other indices. */
  forget(): void {
    this.targets.fill(unknownTarget)
  }

  /** @param file its place in the order of files, from 0 */
  take(file: number, buffer: Buffer, start: number, end: number, sink: Sink): void {
    const event = this.event.over(buffer, start, end)
    let wallSeconds = Number.NaN
    // A number that is 0 is left out by the writer.
    let step = 0
    let summaryStart = -1
    let summaryEnd = -1
    while (event.next()) {
      if (event.field === 1 && event.wireType === wire.fixed64) wallSeconds = event.number()
      else if (event.field === 2 && event.wireType === wire.varint) step = event.number()
      else if (event.field === 5 && event.wireType === wire.bytes) {
        summaryStart = event.start
        summaryEnd = event.end
      }
    }
    if (event.isBroken) this.broken++
    else if (summaryStart >= 0) this.summaryOf(file, buffer, summaryStart, summaryEnd, step, wallSeconds, sink)
  }

  private summaryOf(
    file: number,
    buffer: Buffer,
    start: number,
    end: number,
    step: number,
    wallSeconds: number,
    sink: Sink,
  ): void {
    const summary = this.summary.over(buffer, start, end)
    while (summary.next()) {
      if (summary.field !== 1 || summary.wireType !== wire.bytes) continue
      const value = this.value.over(buffer, summary.start, summary.end)
      let tagStart = 0
      let tagEnd = -1
      let figure: number | null = null
      let metadata: Fields | null = null
      while (value.next()) {
        if (value.field === 1 && value.wireType === wire.bytes) {
          tagStart = value.start
          tagEnd = value.end
        } else if (value.field === 2 && value.wireType === wire.fixed32) figure = value.number()
        else if (value.field === 8 && value.wireType === wire.bytes) figure = scalarOf(value.message())
        else if (value.field === 9 && value.wireType === wire.bytes) metadata = value.message()
      }
      if (value.isBroken) {
        this.broken++
        continue
      }
      if (metadata !== null && this.isHparams(metadata, sink)) continue
      if (figure === null || tagEnd <= tagStart) {
        this.others++
        continue
      }
      const name = this.names.id(buffer, tagStart, tagEnd, 1)
      const target = this.target(name, sink)
      this.order(file, name, step, wallSeconds, sink)
      if (target !== notWanted) sink.point(target, step, figure, wallSeconds)
    }
    if (summary.isBroken) this.broken++
  }

  /**
   * A later file that repeats a step of a tag is that of a run that began again: of every tag that it has not written yet
   * the points from its first step on are void. Files with tags of their own stand side by side.
   */
  private order(file: number, name: number, step: number, wallSeconds: number, sink: Sink): void {
    this.files[file] ??= { firstStep: null, hasRestarted: false }
    const of = this.files[file]
    of.firstStep ??= step
    const isRepeated =
      (this.lastFiles[name] ?? file) < file && (this.lastSteps[name] ?? Number.NEGATIVE_INFINITY) >= step
    if (isRepeated && !of.hasRestarted) {
      of.hasRestarted = true
      sink.event({ kind: 'restart', step: of.firstStep, wallSeconds, text: 'another event file begins here' })
      for (let id = 0; id < this.lastFiles.length; id++) {
        const target = this.targets[id] as number
        if ((this.lastFiles[id] ?? file) < file && target >= 0) sink.restart(target, of.firstStep)
      }
    }
    this.lastFiles[name] = Math.max(file, this.lastFiles[name] ?? 0)
    this.lastSteps[name] = step
  }

  private isHparams(metadata: Fields, sink: Sink): boolean {
    let name = ''
    let content: Fields | null = null
    while (metadata.next()) {
      if (metadata.field !== 1 || metadata.wireType !== wire.bytes) continue
      const plugin = metadata.message()
      while (plugin.next()) {
        if (plugin.field === 1) name = plugin.text()
        else if (plugin.field === 2) content = plugin.message()
      }
    }
    if (name !== hparamsPlugin) return false
    if (content !== null) hparamsOf(content, sink)
    return true
  }

  private target(name: number, sink: Sink): number {
    if (name >= this.targets.length) {
      const more = new Int32Array(Math.max(name + 1, this.targets.length * 2)).fill(unknownTarget)
      more.set(this.targets)
      this.targets = more
    }
    if (this.targets[name] === unknownTarget) this.targets[name] = sink.metric(this.names.path(name)[0] as string)
    return this.targets[name] as number
  }
}
