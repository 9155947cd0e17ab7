import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { outputFileOf } from './cell-writer.ts'

export interface OutputLines {
  readonly lines: readonly string[]
  /** Lines before those, as far as they were read; more than none: something was left out. */
  readonly before: number
}

/** Most bytes of one output that are read: more than is ever kept of one. */
const mostBytes = 16 * 1024 * 1024

/** The last lines of a cell's output; null: there is no such file. `most` null: all of them. */
export function readOutput(folder: string, cellId: string, most: number | null = null): OutputLines | null {
  let fd: number
  try {
    fd = openSync(outputFileOf(folder, cellId), constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return null
  }
  try {
    const length = Math.min(fstatSync(fd).size, mostBytes)
    const bytes = Buffer.alloc(length)
    let at = 0
    while (at < length) {
      const read = readSync(fd, bytes, at, length - at, at)
      if (read === 0) break
      at += read
    }
    const text = bytes.toString('utf8', 0, at)
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
    const before = most === null ? 0 : Math.max(0, lines.length - most)
    return { lines: lines.slice(before), before }
  } finally {
    closeSync(fd)
  }
}
