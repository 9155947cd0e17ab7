import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Checker } from './kit.ts'
import { Broken, NotCheckable, startsWith, viewOf } from './kit.ts'

const timeoutSeconds = 120

/**
 * The check runs in a worker, because it is synchronous and long for a large database. `immutable=1`: SQLite takes no
 * lock, looks for no journal and writes nothing beside the file.
 */
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
try {
  const db = new DatabaseSync(workerData, { readOnly: true, allowExtension: false, enableDoubleQuotedStringLiterals: true })
  db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON')
  const rows = db.prepare('PRAGMA integrity_check(4)').all().map((row) => String(Object.values(row)[0]))
  db.close()
  parentPort.postMessage({ rows })
} catch (error) {
  parentPort.postMessage({ error: String(error && error.message) })
}`

interface Answer {
  readonly rows?: readonly string[]
  readonly error?: string
}

async function integrity(path: string, signal: AbortSignal): Promise<Answer> {
  const address = pathToFileURL(path)
  address.search = '?mode=ro&immutable=1'
  const worker = new Worker(workerSource, { eval: true, workerData: address.href, env: {}, stderr: true, stdout: true })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)])
  let stop: () => void = () => {}
  try {
    return await new Promise<Answer>((resolve, reject) => {
      stop = () => reject(new NotCheckable(`integrity_check took more than ${timeoutSeconds} seconds`))
      limit.addEventListener('abort', stop, { once: true })
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new NotCheckable('integrity_check ended without an answer')))
    })
  } finally {
    limit.removeEventListener('abort', stop)
    worker.removeAllListeners('exit')
    await worker.terminate()
  }
}

/** Header, pages × page size = file size, and SQLite's own integrity_check on a read-only, immutable opening. */
export const checkSqlite: Checker = async (probe) => {
  const header = await probe.take(0, 100, 'header')
  if (!startsWith(header, 'SQLite format 3\0')) throw new Broken('the SQLite signature is missing')
  const view = viewOf(header)
  const rawSize = view.getUint16(16)
  const pageBytes = rawSize === 1 ? 65_536 : rawSize
  if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) !== 0) throw new Broken('an impossible page size')
  if (probe.bytes % pageBytes !== 0) throw new Broken('the size is not a multiple of the page size')
  const isCountValid = view.getUint32(24) === view.getUint32(92)
  const pages = view.getUint32(28)
  if (isCountValid && pages * pageBytes !== probe.bytes)
    throw new Broken(`the header says ${pages} pages, the file has ${probe.bytes / pageBytes}`)
  probe.note('header right, pages × page size = file size')
  const answer = await integrity(probe.file.path, probe.signal)
  probe.signal.throwIfAborted()
  if (answer.error !== undefined) throw new Broken('SQLite cannot open it')
  if (answer.rows?.length !== 1 || answer.rows[0] !== 'ok') throw new Broken('integrity_check finds damage')
  probe.note('integrity_check: ok')
  return { checksums: 'none' }
}
