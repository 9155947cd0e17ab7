import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { plural } from '../src/text/format.ts'
import { ask, checkedUnit, clean, folderOf, looksOnly, numberOf, shellKit } from './parts/ask.ts'

/**
 * The last sign of every rank: files with rank in their name by time, else lines of the log that begin with one by place.
 * Words: folder, unit. `file <rank> <seconds> <last line>`, `line <rank> <line number> <text>`, `mark <text>`, `proc <state> <cpu>`.
 */
const source = `${shellKit}
cd -- "$1/units/$2" || exit 66
find . -type f \\( -name '*rank[0-9]*' -o -name '*rank[_-][0-9]*' -o -name '*rank=[0-9]*' \\) ! -name '*.pt' | head -n 512 | while IFS= read -r f; do
  rank=$(printf '%s\\n' "\${f##*/}" | sed -n 's/.*rank[_=-]*\\([0-9][0-9]*\\).*/\\1/p')
  [ -n "$rank" ] && printf 'file %s %s %s\\n' "$rank" "$(stat -c %Y "$f")" "$(tail -n 1 "$f" | head -c 300)"
done
if [ -f log ]; then
  awk '
    { rank = ""; if (match($0, /\\[[Rr]ank ?[0-9]+\\]|[Rr]ank[ :=]+[0-9]+|^[0-9]+:/)) { rank = substr($0, RSTART, RLENGTH); gsub(/[^0-9]/, "", rank) } }
    rank != "" && rank < 65536 { at[rank] = NR; text[rank] = substr($0, 1, 300) }
    /collective operation timeout|NCCL.*(timeout|error)|DDP.*desync|mismatch.*collective/ { if (++marks <= 5) print "mark " substr($0, 1, 300) }
    END { for (r in at) printf "line %s %s %s\\n", r, at[r], text[r] }
  ' log
fi
if has nvidia-smi; then
  short nvidia-smi --query-gpu=utilization.gpu,utilization.memory --format=csv,noheader,nounits 2>/dev/null | sed 's/^/card /'
fi
exit 0
`

interface Sign {
  readonly rank: number
  readonly at: number
  readonly text: string
}

/** Ranks by their last sign, the first silent one first. By files where there are any: lines of one log may lag. */
export function bySilence(answer: string): { readonly by: 'file' | 'line' | null; readonly signs: readonly Sign[] } {
  const of = (word: 'file' | 'line') =>
    answer.split('\n').flatMap((line): Sign[] => {
      const found = new RegExp(`^${word} (\\d+) (\\d+) ?(.*)$`).exec(line)
      return found === null ? [] : [{ rank: Number(found[1]), at: Number(found[2]), text: found[3] ?? '' }]
    })
  for (const by of ['file', 'line'] as const) {
    const newest = new Map<number, Sign>()
    for (const sign of of(by)) if (sign.at >= (newest.get(sign.rank)?.at ?? 0)) newest.set(sign.rank, sign)
    if (newest.size > 0) return { by, signs: [...newest.values()].sort((a, b) => a.at - b.at || a.rank - b.rank) }
  }
  return { by: null, signs: [] }
}

/** Finds the rank that fell silent first; the others only wait for it. */
export const recipe = defineRecipe({
  id: 'distributed-debug',
  title: 'NCCL and desync triage',
  runbook: {
    when: 'All ranks stand still at full load, or a collective timed out: mostly one rank ended or went another way long before.',
    touches:
      'Nothing. It finds the last sign of every rank in its own log files or in the log of the unit, names the one that fell silent first and those that never spoke, and says which variables the plan needs for the next start. Those are part of the plan: you set them, and its proofs are made anew.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    unit: z.string().describe('unit that runs over several ranks'),
    ranks: z.number().int().min(0).max(65_536).default(0).describe('how many there should be; 0: unknown'),
  }),
  serves: [
    { rule: 'crash-mark', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'unit-stalled', fill: ({ unit }) => (unit === null ? {} : { unit }) },
  ],
  cells: [
    {
      name: 'silent',
      title: 'Find the first silent rank',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly(),
      run: async (context) => {
        const { unit, ranks } = context.parameters
        const { text } = await ask(context, source, [folderOf(context), checkedUnit(context, unit)], {
          timeoutSeconds: 90,
        })
        const { by, signs } = bySilence(clean(text))
        for (const line of clean(text).split('\n')) if (line.startsWith('mark ')) context.say(line.slice(5))
        const cards = text
          .split('\n')
          .filter((line) => line.startsWith('card '))
          .map((line) => line.slice(5).split(',').map(numberOf))
        if (cards.length > 0 && cards.every(([gpu, memory]) => (gpu ?? 0) >= 95 && memory === 0))
          context.say('every card at full load without memory traffic: a collective that waits')
        const [first] = signs
        const last = signs.at(-1)
        for (const { rank, at, text: words } of signs.slice(0, 16))
          context.say(
            `rank ${rank}: ${by === 'file' ? `${(last?.at ?? at) - at} s before the last` : `line ${at}`}: ${words}`,
          )
        const missing = Array.from({ length: ranks }, (_, rank) => rank).filter(
          (rank) => !signs.some((sign) => sign.rank === rank),
        )
        if (missing.length > 0) context.say(`never spoke: rank ${missing.slice(0, 64).join(', ')}`)
        context.say('for the next start, under environmentVariables in kx.yaml:')
        for (const line of [
          'TORCH_DISTRIBUTED_DEBUG: DETAIL',
          'NCCL_DEBUG: INFO',
          'TORCH_NCCL_ASYNC_ERROR_HANDLING: "1"',
        ])
          context.say(`  ${line}`)
        await context.record('ranks', {
          by,
          first: first?.rank ?? null,
          missing: missing.slice(0, 500),
          seen: signs.length,
        })
        if (first === undefined) return { summary: 'unknown: no line or file names a rank' }
        if (missing.length > 0)
          return { summary: `rank ${missing[0]} never spoke (${plural(missing.length, 'rank')} of ${ranks})` }
        if (signs.length === 1 || first.at === last?.at)
          return { summary: 'unknown: every rank fell silent at the same moment' }
        return { summary: `rank ${first.rank} fell silent first, of ${signs.length}` }
      },
    },
  ],
})
