import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { plural } from '../src/text/format.ts'
import { ask, clean, folderOf, looksOnly, shellKit } from './parts/ask.ts'
import { eachOf } from './parts/files.ts'

/** Hash and path of each file of the code there, and where the units that run have been started. Words: folder, most KiB. */
const source = `${shellKit}
cd -- "$1" || exit 66
for f in units/*/pid; do
  [ -f "$f" ] && read -r p t b _ <"$f" && alive "$p" "$t" "$b" || continue
  printf 'cwd %s %s\\n' "$p" "$(readlink "/proc/$p/cwd" 2>/dev/null)"
done
printf 'at %s\\n' "$(cd code && pwd -P)"
cd code || exit 66
find . -type f -size "+$2k" -exec printf 'large %s\\n' {} \\;
find . -type f ! -size "+$2k" -exec sha256sum {} +
`

async function hashHere(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isFile()) return null
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Says which files of the code on the host are not those of the project here. */
export const recipe = defineRecipe({
  id: 'code-drift',
  title: 'Code drift',
  runbook: {
    when: 'A fix was made and the bug persists, or somebody may have edited on the machine.',
    touches:
      'Nothing. It hashes every file in the code folder of the run on the host and the file of the same path here, and looks in which folder the units that run were started. What lies here and was never sent is not judged.',
    back: 'Nothing to take back. Push (kx push) brings the host to what is here; a plan that changed makes its proofs stale.',
  },
  parameters: z.object({
    mostMib: z.number().int().min(1).max(100_000).default(256).describe('larger files are not hashed, and said'),
  }),
  serves: [{ rule: 'audit.code-drift' }, { rule: 'plan.same-as-launched' }],
  cells: [
    {
      name: 'compare',
      title: 'Hash both ends',
      risk: 'read',
      timeoutSeconds: 600,
      plan: looksOnly(),
      run: async (context) => {
        const { run } = context
        if (run === null) return context.fail('No run is open.', 'Open one: it says where the project lies here.')
        const words = [folderOf(context), String(context.parameters.mostMib * 1024)]
        const { text, isCut } = await ask(context, source, words, { timeoutSeconds: 500 })
        const lines = text.split('\n').filter(Boolean)
        const at = lines.find((line) => line.startsWith('at '))?.slice(3) ?? ''
        const elsewhere = lines.filter((line) => line.startsWith('cwd ') && line.split(' ').slice(2).join(' ') !== at)
        const unjudged = lines.filter((line) => line.startsWith('large ') || line.startsWith('\\'))
        const files = lines.flatMap((line) => {
          const found = /^([0-9a-f]{64}) [ *]\.\/(.+)$/.exec(line)
          return found === null ? [] : [{ hash: found[1], path: found[2] ?? '' }]
        })
        const compared = await eachOf(files, 8, async ({ hash, path }) => {
          const here = await hashHere(join(run.projectFolder, path))
          return here === hash ? null : `${here === null ? 'only there' : 'differs'}: ${path}`
        })
        const drift = compared.filter((line) => line !== null).map(clean)
        for (const line of drift) context.say(line)
        for (const line of elsewhere) context.say(clean(`a unit runs in another folder: process ${line.slice(4)}`))
        for (const line of unjudged) context.say(clean(`not compared: ${line.replace(/^large /, '')}`))
        await context.record('drift', drift.slice(0, 500))
        if (isCut)
          return context.fail('There are too many files to be listed.', 'Leave data and outputs out of the code roots.')
        const rest = unjudged.length === 0 ? '' : `; ${unjudged.length} not compared`
        const other = elsewhere.length === 0 ? '' : `; ${plural(elsewhere.length, 'unit')} in another folder`
        return {
          summary: `${drift.length === 0 ? `${plural(files.length, 'file')} equal` : `${drift.length} of ${plural(files.length, 'file')} differ`}${rest}${other}`,
        }
      },
    },
  ],
})
