import { hostEnvironment } from '../../host/environment.ts'
import { ChannelLostError } from '../../host/zx/errors.ts'
import { resolveTierPath } from '../../profile/tiers.ts'
import type { CellContext, CellPlan, RecipeHost, RecipeTier } from '../contract.ts'

/** Most bytes that one script of a recipe may answer. */
const answerBytes = 32 * 1024 * 1024

/** An answer that was not had: why, in words for a plan. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/**
 * Runs a constant script with its data as arguments and gives back all that it printed. Throws NoAnswer when it failed,
 * was cut or ran out of time; when its end was not seen, an error whose cause says so (the cell then ends as unknown).
 */
export async function ask(
  { host, signal }: Pick<CellContext<unknown>, 'host' | 'signal'>,
  source: string,
  args: readonly string[],
  timeoutSeconds = 60,
): Promise<Buffer> {
  const ran = await host.script(source, args, { timeoutSeconds, maxBytes: answerBytes, signal })
  const { ending } = ran
  if (ran.timedOut) throw new NoAnswer(`${host.name} gave no answer within ${timeoutSeconds} s`)
  if (ending.kind === 'unknown')
    throw new Error(`The end was not seen on ${host.name}: ${ending.reason}`, {
      cause: new ChannelLostError(ending.reason, null),
    })
  if (ending.kind === 'signalled') throw new NoAnswer(`the script on ${host.name} was ended by ${ending.signal}`)
  if (ending.code !== 0) {
    const said = Buffer.from(ran.stderr).toString('utf8').trim().split('\n').at(-1) ?? ''
    throw new NoAnswer(said === '' ? `the script on ${host.name} ended with ${ending.code}` : said.slice(0, 400))
  }
  if (ran.stdoutBytes > ran.stdout.byteLength) throw new NoAnswer(`the answer of ${host.name} is too long to be held`)
  return Buffer.from(ran.stdout)
}

/** A look that could not be had is the answer `unknown`, never "nothing to do". */
export async function orUnknown(look: () => Promise<CellPlan>): Promise<CellPlan> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof NoAnswer) return { change: 'unknown', lines: [error.message], foundBy: 'probe' }
    throw error
  }
}

/** Lists of paths in pieces that fit into one command line on any host. `perItem` is how many words an item becomes. */
export function inBatches<T>(
  items: readonly T[],
  wordsOf: (item: T) => readonly string[],
  longest = 48_000,
): readonly (readonly T[])[] {
  const batches: T[][] = []
  let room = 0
  for (const item of items) {
    // Quoting may cost up to four bytes for one.
    const length = wordsOf(item).reduce(
      (sum, word) => sum + Buffer.byteLength(word) + word.split("'").length * 4 + 4,
      0,
    )
    const last = batches.at(-1)
    if (last === undefined || room < length || last.length >= 500) {
      batches.push([item])
      room = longest - length
    } else {
      last.push(item)
      room -= length
    }
  }
  return batches
}

/** The path that a person or a profile means on this host: `$HOME/x` and `~/x` are resolved there. */
export async function pathOn(
  { host, signal }: Pick<CellContext<unknown>, 'host' | 'signal'>,
  path: string,
): Promise<string> {
  const asTier = path === '~' ? '$HOME' : path.startsWith('~/') ? `$HOME${path.slice(1)}` : path
  if (asTier.includes('\0')) throw new NoAnswer('a path cannot hold a NUL character')
  if (asTier.startsWith('/')) return asTier.length > 1 ? asTier.replace(/\/+$/, '') || '/' : asTier
  const found = resolveTierPath({ path: asTier }, await hostEnvironment(host, signal))
  if (found === null) throw new NoAnswer(`${path} is no absolute path on ${host.name}, and cannot be made one`)
  return found
}

/** The first tier of the first purpose that the profile has. */
export function tierFor(
  host: Pick<RecipeHost, 'tiers'>,
  ...purposes: readonly RecipeTier['purpose'][]
): RecipeTier | null {
  for (const purpose of purposes) {
    const tier = host.tiers.find((each) => each.purpose === purpose)
    if (tier !== undefined) return tier
  }
  return null
}

/** The folder that is meant: the one given, else that of the run there, else the tier of a purpose. */
export async function folderOr(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  given: string,
  ...purposes: readonly RecipeTier['purpose'][]
): Promise<string> {
  if (given !== '') return pathOn(context, given)
  if (context.host.folder !== null) return context.host.folder
  const tier = tierFor(context.host, ...purposes)
  if (tier === null)
    throw new NoAnswer(`No folder was given, and the profile ${context.host.profile} has no tier for it: name one.`)
  return pathOn(context, tier.path)
}
