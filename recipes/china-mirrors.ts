import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, NoAnswer, orUnknown, pathOn } from '../src/recipe/shelf/ask.ts'
import { shellQuote } from '../src/text/shell.ts'

const begin = '# kx mirrors begin'
const end = '# kx mirrors end'
const files = ['.profile', '.bashrc'] as const

const parameters = z.object({
  probeSeconds: z.number().int().min(1).max(60).default(10).describe('How long to wait for each mirror, in seconds.'),
  skipUnreachable: z.boolean().default(true).describe('Leave a mirror out that does not answer from the host.'),
})
type Context = CellContext<z.infer<typeof parameters>>

/** Whether each address answers at all, whatever it says: with curl, else wget, else Python. */
const reachScript = `
seconds=$1; shift
for url do
  if command -v curl >/dev/null 2>&1; then curl -s -o /dev/null -m "$seconds" -- "$url"; code=$?
  elif command -v wget >/dev/null 2>&1; then wget -q -T "$seconds" -O /dev/null -- "$url"; code=$?; [ "$code" != 8 ] || code=0
  else
    python=$(command -v python3 || command -v python) || { echo unknown; continue; }
    "$python" -c 'import sys, urllib.request, urllib.error
try: urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])).read(1)
except urllib.error.HTTPError: pass' "$url" "$seconds" 2>/dev/null; code=$?
  fi
  [ "$code" = 0 ] && echo yes || echo no
done
`

const isName = (name: string) => /^[A-Z][A-Z0-9_]{0,63}$/.test(name)

/** Variables that may be written: plain names, one line, and an address that answers where there is one. */
async function wanted(
  context: Context,
): Promise<{ set: readonly (readonly [string, string])[]; said: readonly string[] }> {
  const all = Object.entries(context.host.mirrors).filter(([name, value]) => isName(name) && !/[\0\n\r]/.test(value))
  const urls = all.filter(([, value]) => /^https?:\/\//.test(value))
  const codes =
    urls.length === 0
      ? []
      : (
          await ask(
            context,
            reachScript,
            [String(context.parameters.probeSeconds), ...urls.map(([, value]) => value)],
            context.parameters.probeSeconds * urls.length + 30,
          )
        )
          .toString('latin1')
          .split('\n')
  const answers = new Map(urls.map(([name], n) => [name, codes[n] ?? 'unknown']))
  const said = urls.map(([name, value]) => {
    const answer = answers.get(name)
    return `${name}: ${value} ${answer === 'yes' ? 'answers' : answer === 'no' ? 'does not answer from the host' : 'cannot be tried from the host'}`
  })
  const set = all.filter(([name]) => !context.parameters.skipUnreachable || (answers.get(name) ?? 'yes') === 'yes')
  return { set, said }
}

const blockOf = (set: readonly (readonly [string, string])[]) =>
  [begin, ...set.map(([name, value]) => `export ${name}=${shellQuote(value)}`), end, ''].join('\n')

/** The text without the block of kx; null: its marks do not fit together, so a person has been at it. */
function without(text: string): string | null {
  const from = text.indexOf(begin)
  if (from < 0) return text.includes(end) ? null : text
  const to = text.indexOf(`${end}\n`, from)
  if (to < 0 || text.indexOf(begin, from + 1) >= 0) return null
  return text.slice(0, from) + text.slice(to + end.length + 1)
}

interface Change {
  readonly path: string
  readonly mode: number | null
  /** The block of kx that stood there; the rest of the file may hold secrets, and is never kept. */
  readonly block: string
  readonly after: string
}

/** What is kept of a change, for undo and probe. */
interface Kept {
  readonly path: string
  readonly wasThere: boolean
  readonly block: string
  readonly newBlock: string
}

const textAt = async (host: Context['host'], path: string): Promise<string | null> => {
  const bytes = await host.read(path, 0, 1024 * 1024)
  return bytes === null ? null : new TextDecoder().decode(bytes)
}
const modeAt = async (context: Context, path: string): Promise<number> => {
  const said = (await ask(context, 'stat -c %a -- "$1"', [path])).toString('latin1').trim()
  if (!/^[0-7]{1,4}$/.test(said)) throw new NoAnswer(`the mode of ${path} is not known`)
  return Number.parseInt(said, 8)
}

async function look(context: Context): Promise<{ changes: readonly Change[]; block: string; said: readonly string[] }> {
  const { host } = context
  const { set, said } = await wanted(context)
  const changes: Change[] = []
  const block = set.length === 0 ? '' : blockOf(set)
  const home = await pathOn(context, '$HOME')
  for (const name of files) {
    const path = `${home}/${name}`
    const stat = await host.stat(path)
    if (stat !== null && stat.kind !== 'file')
      throw new NoAnswer(`${path} is a ${stat.kind}: write the variables there by hand`)
    const found = await textAt(host, path)
    const text = found ?? ''
    const rest = without(text)
    if (rest === null || (stat !== null && stat.bytes > 1024 * 1024) || text.includes('\ufffd'))
      throw new NoAnswer(`${path} cannot be changed safely: its marks of kx were edited, or it is no text`)
    // First, because the usual .bashrc ends early where nobody types.
    const after = block + rest
    if (after === text) continue
    const from = text.indexOf(begin)
    const old = from < 0 ? '' : text.slice(from, text.indexOf(`${end}\n`, from) + end.length + 1)
    changes.push({ path, mode: found === null ? null : await modeAt(context, path), block: old, after })
  }
  return { changes, block, said }
}

export const recipe = defineRecipe({
  id: 'china-mirrors',
  title: 'Use the mirrors of the platform',
  runbook: {
    when: 'Downloads from hubs or package indexes hang or crawl on a machine behind the wall.',
    touches:
      'One marked block at the top of `~/.profile` and `~/.bashrc` on the host, with the variables that the profile names and that answer from there. A unit of a run gets its variables from the plan: declare them there too (the audit says so).',
    back: 'Its undo takes exactly that block out again, whatever else was changed in the files since; by hand, remove the lines between the two marks.',
  },
  parameters,
  serves: [{ rule: 'audit.china-mirror' }],
  cells: [
    {
      name: 'write',
      title: 'Write the variables for every login',
      risk: 'change',
      timeoutSeconds: 600,
      plan: (context) =>
        orUnknown(async () => {
          if (Object.keys(context.host.mirrors).length === 0)
            return {
              change: 'no',
              lines: [`the profile ${context.host.profile} names no mirror`],
              foundBy: 'declared',
              targets: [],
            }
          const { changes, said } = await look(context)
          return {
            change: changes.length > 0 ? 'yes' : 'no',
            lines: [
              ...said,
              ...changes.map(({ path }) => `change ${path}`),
              ...(changes.length > 0 ? [] : ['both files have them']),
            ],
            foundBy: 'diff',
            targets: changes.map(({ path }) => path),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'nothing to write' }
        const { changes, block, said } = await look(context)
        for (const line of said) context.say(line)
        const these = changes.filter(({ path }) => context.targets.includes(path))
        const kept: Kept[] = these.map((each) => ({
          path: each.path,
          wasThere: each.mode !== null,
          block: each.block,
          newBlock: block,
        }))
        await context.record('changed', kept)
        for (const { path, after, mode } of these) await context.host.write(path, after, mode ?? 0o644)
        return { summary: `written into ${these.map(({ path }) => path).join(', ')}; log in again to have them` }
      },
      probe: async ({ host, results }) => {
        const changed = results.write?.changed as Kept[] | undefined
        if (changed === undefined) return 'unknown'
        for (const { path, newBlock } of changed)
          if (!((await textAt(host, path)) ?? '').startsWith(newBlock)) return 'not-done'
        return 'done'
      },
      undo: async (context) => {
        const changed = (context.results.write?.changed ?? []) as Kept[]
        for (const { path, wasThere, block } of changed) {
          const now = await textAt(context.host, path)
          if (now === null) continue
          const rest = without(now)
          if (rest === null)
            return context.fail(
              `The marks of kx in ${path} were edited: it was left as it is.`,
              `Take the lines between "${begin}" and "${end}" out by hand.`,
            )
          if (!wasThere && block + rest === '') await context.$`rm -f -- ${path}`
          else if (block + rest !== now) await context.host.write(path, block + rest, await modeAt(context, path))
        }
        return { summary: `${changed.length} files without it` }
      },
    },
  ],
})
