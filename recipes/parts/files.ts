import { type AnyContext, folderOf } from './ask.ts'

const decoder = new TextDecoder()

/** Ids of the units that have a folder on the host, in order. */
export async function unitsThere(context: AnyContext): Promise<readonly string[]> {
  const entries = await context.host.list(`${folderOf(context)}/units`)
  if (entries === null)
    return context.fail(
      `There is no folder units on ${context.host.name}.`,
      'Nothing was launched there, or it was removed.',
    )
  return entries
    .filter(({ kind }) => kind === 'folder')
    .map(({ path }) => path.split('/').at(-1) ?? '')
    .filter((name) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    .sort()
}

export interface ReadText {
  readonly text: string
  readonly bytes: number
  /** Only the end of it was read: it is larger than the limit. */
  readonly isEndOnly: boolean
}

/** The text of a file, of a large one its last `most` bytes from a whole line on. Null: it is not there. */
export async function readText(context: AnyContext, path: string, most = 8 * 1024 * 1024): Promise<ReadText | null> {
  const stat = await context.host.stat(path)
  if (stat === null || stat.kind !== 'file') return null
  const from = Math.max(0, stat.bytes - most)
  const bytes = await context.host.read(path, from, most)
  if (bytes === null) return null
  const text = decoder.decode(bytes)
  return { text: from === 0 ? text : text.slice(text.indexOf('\n') + 1), bytes: stat.bytes, isEndOnly: from > 0 }
}

/** Runs over many with so many at once, in order of the answers. */
export async function eachOf<T, R>(
  items: readonly T[],
  atOnce: number,
  body: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const out: R[] = []
  for (let i = 0; i < items.length; i += atOnce) out.push(...(await Promise.all(items.slice(i, i + atOnce).map(body))))
  return out
}
