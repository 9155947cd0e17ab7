import { closeSync, constants, fsyncSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileMode, makeFolder, writeAll } from '../run/files.ts'

/** Kept of one cell's output: this much of its beginning and this much of its end, 8 MiB together. */
export const headBytes = 4 * 1024 * 1024
export const tailBytes = 4 * 1024 * 1024

export interface OutputLimits {
  readonly headBytes: number
  readonly tailBytes: number
}

export interface OutputFile {
  readonly path: string
  write(text: string): void
  /** Joins head and tail, fsyncs. Returns the bytes that were dropped in between. */
  finish(): number
}

/**
 * Output of one cell, bounded while it is written. What comes after the head goes by turns into two tail files, each
 * half of the tail, so that a killed kx leaves beginning and end on disk; `finish` puts them behind the head.
 */
export function createOutputFile(folder: string, limits: OutputLimits = { headBytes, tailBytes }): OutputFile {
  makeFolder(folder)
  const path = join(folder, 'output.log')
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_NOFOLLOW
  const head = openSync(path, flags, fileMode)
  const segmentBytes = Math.max(1, Math.floor(limits.tailBytes / 2))
  let headLeft = limits.headBytes
  let segment: { readonly path: string; readonly fd: number; bytes: number } | null = null
  let older: { readonly path: string; readonly bytes: number } | null = null
  let turn = 0
  let dropped = 0

  const intoTail = (bytes: Uint8Array) => {
    let rest = bytes
    while (rest.byteLength > 0) {
      if (segment === null || segment.bytes >= segmentBytes) {
        if (segment !== null) {
          closeSync(segment.fd)
          if (older !== null) dropped += older.bytes
          older = { path: segment.path, bytes: segment.bytes }
        }
        const segmentPath = join(folder, `tail.${turn % 2}`)
        turn += 1
        rmSync(segmentPath, { force: true })
        segment = { path: segmentPath, fd: openSync(segmentPath, flags, fileMode), bytes: 0 }
      }
      const piece = rest.subarray(0, segmentBytes - segment.bytes)
      writeAll(segment.fd, piece)
      segment.bytes += piece.byteLength
      rest = rest.subarray(piece.byteLength)
    }
  }

  return {
    path,
    write: (text) => {
      if (text === '') return
      const bytes = Buffer.from(text)
      const inHead = bytes.subarray(0, headLeft)
      if (inHead.byteLength > 0) writeAll(head, inHead)
      headLeft -= inHead.byteLength
      if (inHead.byteLength < bytes.byteLength) intoTail(bytes.subarray(inHead.byteLength))
    },
    finish: () => {
      if (segment !== null) {
        closeSync(segment.fd)
        if (dropped > 0) writeAll(head, Buffer.from(`\n… ${dropped} bytes of output dropped here …\n`))
        for (const part of [older, segment]) {
          if (part === null) continue
          writeAll(head, readFileSync(part.path))
          rmSync(part.path, { force: true })
        }
      }
      fsyncSync(head)
      closeSync(head)
      return dropped
    },
  }
}
