import type { ActContext } from '../run/act.ts'
import type { SmokePlace } from './unit.ts'

/** A file whose age divides before from after. */
export async function markOf(ctx: ActContext, place: SmokePlace): Promise<string> {
  const path = `${place.folder}/.mark`
  await ctx.host.write(path, 'files newer than this were written by the units\n')
  return path
}

/** Files below the smoke's folder, and outside the units' own, that are newer than the mark. Bytecode caches are no sharing. */
export async function filesOutside(
  ctx: ActContext,
  place: SmokePlace,
  mark: string,
): Promise<readonly string[] | null> {
  const found = await ctx.host.exec(
    ['find', place.folder, '-type', 'f', '-newer', mark, '-not', '-path', '*/__pycache__/*', '-print0'],
    { timeoutSeconds: 120 },
  )
  if (found.ending.kind !== 'exited' || found.ending.code !== 0) return null
  const own = /^(?:units|drill|corrupt)\/[^/]+(?:\/|\.(?:pid|log)$)/
  return new TextDecoder()
    .decode(found.stdout)
    .split('\0')
    .filter((path) => path !== '')
    .map((path) => path.slice(place.folder.length + 1))
    .filter((path) => !own.test(path))
}
