import { formatBytes } from '../../../src/text/format.ts'

/** One line of the table of figures, as `table.ts` knows it. */
export interface FilesRow {
  readonly part: string
  readonly what: string
  readonly bar: string
  readonly figure: string
  readonly isMet: boolean
}

interface Compared {
  readonly peerSeconds: Readonly<Record<string, number>>
  readonly peerDurableSeconds: Readonly<Record<string, number>>
  readonly kxSeconds: {
    readonly total: number
    readonly transfer: number
    readonly durable: number
    readonly verification: number
  }
}

/** How the parts about files are read and what they are held to (issue 3, section 6). */
export const fileReaders = {
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the part of the same name writes
  large: (f: any): FilesRow[] => [againstFastest('large', `pull of one file of ${size(f.mib)}`, f)],
  // biome-ignore lint/suspicious/noExplicitAny: as above
  small: (f: any): FilesRow[] => [againstScp('small', `pull of ${count(f.files)} files of ${f.bytesEach} bytes`, f)],
  // biome-ignore lint/suspicious/noExplicitAny: as above
  far: (f: any): FilesRow[] => [
    againstScp('far', `pull of one file of ${size(f.large.mib)}, ${f.roundTripMs} ms more a round trip`, f.large),
    againstScp('far', `pull of ${count(f.small.files)} small files, ${f.roundTripMs} ms more a round trip`, f.small),
  ],
  // biome-ignore lint/suspicious/noExplicitAny: as above
  resume: (f: any): FilesRow[] => [
    beyond(`link reset twice in a pull of ${size(f.mib)}: bytes over the link beyond the file`, f.cutTwice),
    beyond(
      `kx ended half-way in a pull of ${size(f.mib)}: bytes of the next one beyond what was missing`,
      f.endedHalfWay,
    ),
  ],
}

const size = (mib: number) => formatBytes(mib * 1024 * 1024)
const count = (files: number) => files.toLocaleString('en')

function seconds({ peerSeconds, peerDurableSeconds, kxSeconds }: Compared): string {
  const peers = Object.entries(peerSeconds).map(([name, value]) => `${name} ${value} + ${peerDurableSeconds[name]}`)
  const { transfer, durable, verification } = kxSeconds
  return `${transfer} s + ${durable} s to the disk, ${verification} s of verification (${peers.join(', ')} s)`
}

function againstFastest(part: string, what: string, f: Compared): FilesRow {
  const fastest = Math.min(...Object.values(f.peerSeconds))
  const ratio = f.kxSeconds.transfer / fastest
  const figure = `${ratio.toFixed(2)} x: ${seconds(f)}`
  return { part, what, bar: '<= 1.1 x the fastest peer', figure, isMet: ratio <= 1.1 }
}

function againstScp(part: string, what: string, f: Compared): FilesRow {
  const ratio = f.kxSeconds.transfer / (f.peerSeconds.scp ?? Number.NaN)
  const figure = `${ratio.toFixed(2)} x: ${seconds(f)}`
  return { part, what, bar: '<= 0.5 x scp', figure, isMet: ratio <= 0.5 }
}

const beyond = (what: string, f: { readonly beyondBytes: number; readonly beyondPercent: number }): FilesRow => ({
  part: 'resume',
  what,
  bar: '<= 1 % of the file',
  figure: `${f.beyondPercent} % (${formatBytes(f.beyondBytes)}, with hashes, commands and what SSH adds)`,
  isMet: f.beyondPercent <= 1,
})
