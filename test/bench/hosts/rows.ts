import { formatBytes } from '../../../src/text/format.ts'
import type { dead } from './dead.ts'
import type { exec } from './exec.ts'
import type { far, large, small } from './files.ts'
import type { probes } from './probes.ts'
import type { resume } from './resume.ts'

/** One line of the table of figures, as `table.ts` knows it. */
export interface HostsRow {
  readonly part: string
  readonly what: string
  readonly bar: string
  readonly figure: string
  readonly isMet: boolean
}

/** What a part of a bench gives, as it comes back from JSON. */
export type FiguresBy<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>

/** Figures of each part of `bench:hosts`. */
export interface HostsFigures {
  readonly large: FiguresBy<typeof large>
  readonly small: FiguresBy<typeof small>
  readonly far: FiguresBy<typeof far>
  readonly resume: FiguresBy<typeof resume>
  readonly exec: FiguresBy<typeof exec>
  readonly probes: FiguresBy<typeof probes>
  readonly dead: FiguresBy<typeof dead>
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
  large: (f: HostsFigures['large']): HostsRow[] => [againstFastest('large', `pull of one file of ${size(f.mib)}`, f)],
  small: (f: HostsFigures['small']): HostsRow[] => [
    againstScp('small', `pull of ${count(f.files)} files of ${f.bytesEach} bytes`, f),
  ],
  far: (f: HostsFigures['far']): HostsRow[] => [
    againstScp('far', `pull of one file of ${size(f.large.mib)}, ${f.roundTripMs} ms more a round trip`, f.large),
    againstScp('far', `pull of ${count(f.small.files)} small files, ${f.roundTripMs} ms more a round trip`, f.small),
  ],
  resume: (f: HostsFigures['resume']): HostsRow[] => [
    beyond(`link reset twice in a pull of ${size(f.mib)}: bytes over the link beyond the file`, f.cutTwice),
    beyond(
      `kx ended half-way in a pull of ${size(f.mib)}: bytes of the next one beyond what was missing`,
      f.endedHalfWay,
    ),
  ],
}

/** How the parts about links are read and what they are held to (issue 3, section 6). */
export const linkReaders = {
  exec: (f: HostsFigures['exec']): HostsRow[] => {
    const { kxExec, kxScript, sshMaster } = f.milliseconds
    return [
      {
        part: 'exec',
        what: `a command over an open link, ${f.rounds} times in turns`,
        bar: 'no slower than `ssh` over a control master, median',
        figure: `p50 ${kxExec.p50} ms (script in a kept shell ${kxScript.p50} ms; ssh ${sshMaster.p50} ms), p95 ${kxExec.p95} ms (ssh ${sshMaster.p95} ms)`,
        isMet: kxExec.p50 <= sshMaster.p50,
      },
    ]
  },
  probes: (f: HostsFigures['probes']): HostsRow[] => [
    {
      part: 'probes',
      what: `${f.hosts} hosts probed every ${f.everySeconds} s by one kx, ${f.ticks} times`,
      bar: '<= 15 % of a core, <= 250 MiB RSS, none late by more than 1 s, none failed',
      figure: `${(f.coreShare * 100).toFixed(1)} %, ${f.rssMiB} MiB, latest ${f.lateMs.max} ms late, ${f.failed} failed`,
      isMet: f.coreShare <= 0.15 && f.rssMiB <= 250 && f.lateMs.max <= 1000 && f.failed === 0,
    },
  ],
  dead: (f: HostsFigures['dead']): HostsRow[] => [
    {
      part: 'dead',
      what: `a link that dies without a word (${f.by}), real clocks`,
      bar: 'stale <= 15 s, dead <= 40 s, the command unknown',
      figure: `stale after ${f.staleAfterSeconds} s, dead after ${f.deadAfterSeconds} s, the command ${f.ending}; longest pause of the loop ${f.longestPauseOfTheLoopMs} ms`,
      isMet: f.staleAfterSeconds <= 15 && f.deadAfterSeconds <= 40 && f.ending === 'unknown',
    },
  ],
}

const size = (mib: number) => formatBytes(mib * 1024 * 1024)
const count = (files: number) => files.toLocaleString('en')

function seconds({ peerSeconds, peerDurableSeconds, kxSeconds }: Compared): string {
  const peers = Object.entries(peerSeconds).map(([name, value]) => `${name} ${value} + ${peerDurableSeconds[name]}`)
  const { transfer, durable, verification } = kxSeconds
  return `${transfer} s + ${durable} s to the disk, ${verification} s of verification (${peers.join(', ')} s)`
}

function againstFastest(part: string, what: string, f: Compared): HostsRow {
  const fastest = Math.min(...Object.values(f.peerSeconds))
  const ratio = f.kxSeconds.transfer / fastest
  const figure = `${ratio.toFixed(2)} x: ${seconds(f)}`
  return { part, what, bar: '<= 1.1 x the fastest peer', figure, isMet: ratio <= 1.1 }
}

function againstScp(part: string, what: string, f: Compared): HostsRow {
  const ratio = f.kxSeconds.transfer / (f.peerSeconds.scp ?? Number.NaN)
  const figure = `${ratio.toFixed(2)} x: ${seconds(f)}`
  return { part, what, bar: '<= 0.5 x scp', figure, isMet: ratio <= 0.5 }
}

const beyond = (what: string, f: { readonly beyondBytes: number; readonly beyondPercent: number }): HostsRow => ({
  part: 'resume',
  what,
  bar: '<= 1 % of the file',
  figure: `${f.beyondPercent} % (${formatBytes(f.beyondBytes)}, with hashes, commands and what SSH adds)`,
  isMet: f.beyondPercent <= 1,
})
