import type { FarEntry, FarFiles } from './types.ts'

/** Files of settings and results are so small, and read whole at every look; a run of many units has thousands of them. */
const smallBytes = 64 * 1024
const mostBytes = 32 * 1024 * 1024

interface Kept {
  readonly key: string
  readonly bytes: Uint8Array
  /** Look at which it was read. */
  readonly look: number
  readonly isSettled: boolean
}

/**
 * Reads that remember small files as long as the looks say that nothing was written to them. A file counts as settled when it
 * was read at two looks and had the same time at both: what is written within the resolution of a clock is not missed.
 */
export class SmallFiles {
  private readonly files: FarFiles
  private readonly kept = new Map<string, Kept>()
  private held = 0

  constructor(files: FarFiles) {
    this.files = files
  }

  /** As `FarFiles.read`. @param look which look the entry is of */
  async read(entry: FarEntry, offset: number, length: number, look: number): ReturnType<FarFiles['read']> {
    const { path, mark, bytes: size, mtimeMs } = entry
    if (offset !== 0 || length < size || size > smallBytes) return this.files.read(path, offset, length, mark)
    const key = `${mark} ${size} ${mtimeMs}`
    const known = this.kept.get(path)
    if (known?.key === key && known.isSettled) return known.bytes.slice()
    const bytes = await this.files.read(path, offset, length, mark)
    this.held -= known?.bytes.byteLength ?? 0
    this.kept.delete(path)
    if (typeof bytes === 'string' || bytes.byteLength !== size || this.held + size > mostBytes) return bytes
    const isSettled = this.files.isMarkedByContent || (known?.key === key && known.look !== look)
    this.kept.set(path, { key, bytes: bytes.slice(), look, isSettled })
    this.held += size
    return bytes
  }
}
