import type { CellContext } from '../contract.ts'
import { ask, inBatches } from './ask.ts'
import { type Acted, toEach } from './checked.ts'
import type { SeenFile } from './survey.ts'

/** Removes exactly these regular files. What became another file since is left, with the reason. */
export const removeFiles = (
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  root: string,
  files: readonly SeenFile[],
): Promise<Acted> => toEach(context, root, files, 'rm -f -- "./$name" && [ ! -e "./$name" ] || exit 7')

/** Which of these paths are there, symlinks that lead nowhere included. */
export async function thereOf(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  paths: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = []
  const look = 'for path do if [ -e "$path" ] || [ -L "$path" ]; then echo 1; else echo 0; fi; done'
  for (const batch of inBatches(paths, (path) => [path])) {
    const codes = (await ask(context, look, batch)).toString('latin1').split('\n')
    for (const [n, path] of batch.entries()) if (codes[n] === '1') found.push(path)
  }
  return found
}
