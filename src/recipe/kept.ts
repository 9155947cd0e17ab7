import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** More than this is no note of a cell; it belongs into a file on the host. */
const mostBytes = 1024 * 1024

const fileOf = (runFolder: string, cellId: string) => join(runFolder, 'cells', cellId, 'kept.jsonl')

/** Puts one value beside the output of a cell, on disk before it returns. Masked by the caller. */
export function keepValue(runFolder: string, cellId: string, name: string, value: unknown): void {
  const line = `${JSON.stringify({ name, value })}\n`
  if (Buffer.byteLength(line) > mostBytes)
    throw new Error(`"${name}" is larger than 1 MiB: keep it in a file on the host, and record its path.`)
  mkdirSync(join(runFolder, 'cells', cellId), { recursive: true, mode: 0o700 })
  const file = openSync(fileOf(runFolder, cellId), 'a', 0o600)
  try {
    writeSync(file, line)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** What a cell kept; the newest of a name counts. A torn last line was never acknowledged and is left out. */
export function keptValues(runFolder: string, cellId: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = readFileSync(fileOf(runFolder, cellId), 'utf8')
  } catch {
    return {}
  }
  const kept: Record<string, unknown> = {}
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      const { name, value } = JSON.parse(line) as { readonly name: string; readonly value: unknown }
      kept[name] = value
    } catch {
      // Torn by a crash, and followed by a later one.
    }
  }
  return kept
}
