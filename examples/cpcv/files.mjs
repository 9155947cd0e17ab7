// Files of a unit: written whole or not at all, and never silently replaced when they cannot be read.
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Temp file, fsync, rename, fsync of the folder. */
export function writeWhole(path, text) {
  const temp = `${path}.tmp-${process.pid}`
  const file = openSync(temp, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temp, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Appends whole lines; a line that was torn by a kill is closed first, so that it cannot swallow the next. */
export function openLines(path) {
  let needsNewline = false
  if (existsSync(path) && statSync(path).size > 0) needsNewline = readFileSync(path).at(-1) !== 10
  const file = openSync(path, 'a', 0o600)
  if (needsNewline) writeSync(file, '\n')
  return {
    append: (record) => writeSync(file, `${JSON.stringify(record)}\n`),
    close: () => closeSync(file),
  }
}

const latest = (folder) => join(folder, 'latest.json')
const encode = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')
const decode = (text) => {
  const bytes = Buffer.from(text, 'base64')
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Keeps the generation before as `previous.json`; `latest.json` is there at every moment. Returns bytes written. */
export function saveCheckpoint(folder, { meta, weights, velocity, bestWeights }) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const body = JSON.stringify({
    ...meta,
    weights: encode(weights),
    velocity: encode(velocity),
    best_weights: encode(bestWeights),
  })
  const text = JSON.stringify({ version: 1, sha256: sha256(body), body })
  if (existsSync(latest(folder))) {
    const spare = join(folder, `previous.json.tmp-${process.pid}`)
    rmSync(spare, { force: true })
    linkSync(latest(folder), spare)
    renameSync(spare, join(folder, 'previous.json'))
  }
  writeWhole(latest(folder), text)
  return Buffer.byteLength(text)
}

/** The newest checkpoint, or null when there is none. Throws when there is one that cannot be trusted. */
export function loadCheckpoint(folder) {
  const path = latest(folder)
  if (!existsSync(path)) return null
  let outer
  try {
    outer = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Error(
      `checkpoint ${path} cannot be read (${error.message}); move it away to start over, or restore previous.json`,
    )
  }
  if (outer?.version !== 1 || typeof outer.body !== 'string' || sha256(outer.body) !== outer.sha256)
    throw new Error(`checkpoint ${path} fails its own SHA-256; move it away to start over, or restore previous.json`)
  const body = JSON.parse(outer.body)
  return {
    ...body,
    weights: decode(body.weights),
    velocity: decode(body.velocity),
    best_weights: decode(body.best_weights),
  }
}
