import { basename, dirname, join } from 'node:path'
import { placeFor, UnsafePath } from './local-store.ts'
import { pathProblem } from './names.ts'

/** Where files of one pull go: each folder below the root is made and looked at once. */
export class Places {
  readonly root: string
  readonly #folders = new Map<string, string>()

  constructor(root: string) {
    this.root = root
  }

  /** @throws UnsafePath when the name, or a folder on the way, is not what may be written to */
  async of(relative: string): Promise<string> {
    const problem = pathProblem(relative)
    if (problem !== null) throw new UnsafePath(`The name is not accepted: ${problem}.`)
    const folder = this.#folders.get(dirname(relative))
    if (folder !== undefined) return join(folder, basename(relative))
    const path = await placeFor(this.root, relative)
    this.#folders.set(dirname(relative), dirname(path))
    return path
  }
}
