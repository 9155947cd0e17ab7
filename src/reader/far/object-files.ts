import { sanitiseLine } from '../../text/sanitise.ts'
import type { FarEntry, FarFiles } from './types.ts'

/** What is read of an object store; `artifact` has one. */
interface ObjectReads {
  list(prefix: string): Promise<{ readonly objects: readonly StoredObject[]; readonly isWhole: boolean }>
  find(key: string): Promise<StoredObject | null>
  read(key: string, offset: number, length: number, etag: string): Promise<Uint8Array | 'gone' | 'changed'>
  close(): void
}

interface StoredObject {
  readonly key: string
  readonly bytes: number
  readonly mtimeMs: number
  readonly etag: string
}

/**
 * Objects below a prefix as files: a store has no folders, so they are made of the names. Of an object that grew only what is
 * new is read, after its beginning and the bytes before were seen to be the same.
 *
 * @param name of the bucket with its scheme, `s3://bucket`
 * @param prefix without a slash at its end; empty: all of the bucket
 */
export function objectFiles(store: ObjectReads, name: string, prefix: string): FarFiles {
  let base = prefix === '' ? '' : `${prefix}/`
  return {
    isMarkedByContent: true,
    async look() {
      const { objects, isWhole } = await store.list(prefix === '' ? '' : `${prefix}/`)
      if (objects.length > 0 || prefix === '') {
        const { entries, odd } = entriesOf(objects, base)
        const root = `${name}${prefix === '' ? '' : `/${prefix}`}`
        const notes = [
          ...(isWhole
            ? []
            : [`${root}: there are more objects below it than a look takes (${objects.length}); name a longer prefix`]),
          ...(odd === 0 ? [] : [`${root}: ${odd} objects have names that are no paths; they were left out`]),
        ]
        return { entries, notes: notes.map((note) => sanitiseLine(note, 400)), only: null, root }
      }
      const single = await store.find(prefix)
      if (single === null) return null
      const at = prefix.lastIndexOf('/')
      base = prefix.slice(0, at + 1)
      const only = prefix.slice(at + 1)
      const root = at < 0 ? name : `${name}/${prefix.slice(0, at)}`
      return { entries: entriesOf([single], base).entries, notes: [], only, root }
    },
    read: (path, offset, length, mark) => store.read(`${base}${path}`, offset, length, mark),
    close: async () => store.close(),
  }
}

function entriesOf(objects: readonly StoredObject[], base: string): { entries: readonly FarEntry[]; odd: number } {
  const files: FarEntry[] = []
  const folders = new Map<string, number>()
  let odd = 0
  for (const { key, bytes, mtimeMs, etag } of objects) {
    const path = key.slice(base.length)
    // What some tools put in the place of an empty folder.
    if (path === '' || path.endsWith('/')) continue
    const names = path.split('/')
    if (names.some((each) => each === '' || each === '.' || each === '..')) {
      odd++
      continue
    }
    files.push({ path, kind: 'file', bytes, mtimeMs, mark: etag })
    for (let at = 1; at < names.length; at++) {
      const folder = names.slice(0, at).join('/')
      // Changes when anything in it comes, goes or is written: a folder of a store has no time of its own.
      folders.set(folder, Math.max(folders.get(folder) ?? 0, mtimeMs) + 1)
    }
  }
  const made = [...folders].map(([path, mtimeMs]): FarEntry => ({ path, kind: 'folder', bytes: 0, mtimeMs, mark: '' }))
  return { entries: [...made, ...files], odd }
}
