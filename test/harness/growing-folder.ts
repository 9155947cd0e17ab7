import type { Folder, FolderEntry } from '../../src/reader/types.ts'

/** A folder in memory whose files a test may write on, cut, or replace; each write has a time of its own. */
export class GrowingFolder implements Folder {
  readonly root = '/run'
  private readonly files = new Map<string, { bytes: Buffer; identity: string; mtimeMs: number }>()
  private writes = 0

  /** @param identity another one is another file in the same place */
  write(path: string, bytes: Buffer | string, identity = path): void {
    this.files.set(path, { bytes: Buffer.from(bytes), identity, mtimeMs: ++this.writes })
  }

  async list(path: string): Promise<readonly FolderEntry[] | null> {
    const inside = path === '.' || path === '' ? '' : `${path.replace(/^\.\//, '')}/`
    const entries = new Map<string, FolderEntry>()
    for (const [known, { bytes, mtimeMs }] of this.files) {
      if (!known.startsWith(inside)) continue
      const [name = '', ...rest] = known.slice(inside.length).split('/')
      const kind = rest.length === 0 ? 'file' : 'folder'
      entries.set(name, { name, kind, bytes: kind === 'file' ? bytes.length : 0, mtimeMs })
    }
    return entries.size === 0 && inside !== '' ? null : [...entries.values()]
  }

  open(path: string) {
    const at = path.replace(/^\.\//, '')
    return {
      path: `${this.root}/${at}`,
      stat: async () => {
        const file = this.files.get(at)
        return file === undefined ? null : { bytes: file.bytes.length, mtimeMs: file.mtimeMs, identity: file.identity }
      },
      read: async (offset: number, length: number) =>
        this.files.get(at)?.bytes.subarray(offset, offset + length) ?? Buffer.alloc(0),
      close: async () => {},
    }
  }

  localPath(): null {
    return null
  }
}
