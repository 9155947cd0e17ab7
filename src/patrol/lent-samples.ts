import { statSync } from 'node:fs'
import { openSamples, type Samples } from './samples.ts'

interface Loan {
  readonly real: Samples
  /** What borrowers get: its `close` gives back. */
  readonly samples: Samples
  readonly inode: number
  idle: NodeJS.Timeout | undefined
}

const lentMs = 60_000
const loans = new Map<string, Loan>()

/**
 * `samples.db`, kept open for whoever asks next: opening and preparing it costs more than all that one look reads and
 * writes. `close` gives it back; when nobody asks for a minute it is closed. A file that was replaced is opened anew.
 */
export function borrowSamples(file: string): Samples {
  const kept = loans.get(file)
  if (kept !== undefined) {
    clearTimeout(kept.idle)
    kept.idle = undefined
    if (inodeOf(file) === kept.inode) {
      kept.real.refresh()
      return kept.samples
    }
    end(file, kept)
  }
  const real = openSamples(file)
  const giveBack = () => {
    clearTimeout(loan.idle)
    loan.idle = setTimeout(() => end(file, loan), lentMs).unref()
  }
  const loan: Loan = { real, samples: { ...real, close: giveBack }, inode: inodeOf(file), idle: undefined }
  loans.set(file, loan)
  return loan.samples
}

function end(file: string, loan: Loan): void {
  if (loans.get(file) === loan) loans.delete(file)
  loan.real.close()
}

const inodeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.ino ?? -1
