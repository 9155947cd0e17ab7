import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { isPidThere } from './files.ts'

/** A process of this machine. The number alone is reused, so start time and boot belong to it. */
export interface LocalProcess {
  readonly pid: number
  /** Field 22 of /proc/pid/stat; 0 where there is no /proc. */
  readonly startTicks: number
  readonly bootId: string
  readonly hostname: string
}

function statOf(pid: number): { readonly state: string; readonly startTicks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name may hold spaces and brackets: fields are counted after its last closing bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '?', startTicks: Number(fields[19] ?? 0) }
  } catch {
    return null
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

export function thisProcess(): LocalProcess {
  return {
    pid: process.pid,
    startTicks: statOf(process.pid)?.startTicks ?? 0,
    bootId: bootId(),
    hostname: hostname(),
  }
}

/** False only when it is certain that this very process is gone. A zombie is gone; a stopped one is not. */
export function isStillThere(p: LocalProcess): boolean {
  if (p.bootId !== bootId()) return p.hostname !== hostname()
  if (p.startTicks === 0) return isPidThere(p.pid)
  const stat = statOf(p.pid)
  return stat !== null && stat.startTicks === p.startTicks && stat.state !== 'Z' && stat.state !== 'X'
}
