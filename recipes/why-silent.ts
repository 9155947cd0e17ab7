import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask, checkedUnit, clean, folderOf, looksOnly, numberOf, readFacts, shellKit } from './parts/ask.ts'

/** Two looks at one unit, some seconds apart. Words: folder, unit, seconds between. */
const source = `${shellKit}
cd -- "$1" || exit 66
unit=$2 seconds=$3 dir=units/$2
[ -d "$dir" ] || { echo 'no such unit' >&2; exit 67; }
fact() { printf '%s.%s=%s\\n' "$look" "$1" "$2"; }
of_group() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v group="$1" '{
    rest = $0; sub(/^.*\\) /, "", rest); split(rest, f, " ")
    if (f[3] == group) { cpu += f[12] + f[13]; states = states f[1] }
  } END { print cpu + 0, states }'
}
looked() {
  look=$1
  fact now "$(date +%s)"
  [ -f "$dir/log" ] && fact log "$(stat -c '%s' "$dir/log")" && fact logTime "$(stat -c '%Y' "$dir/log")"
  if [ -f "$dir/metrics.jsonl" ]; then
    fact metrics "$(stat -c '%s' "$dir/metrics.jsonl")"
    fact step "$(tail -n 1 "$dir/metrics.jsonl" | sed -n 's/.*"step": *\\([0-9][0-9]*\\).*/\\1/p')"
  fi
  newest=$(for f in "$dir"/checkpoints/*; do [ -e "$f" ] && stat -c '%Y' "$f"; done | sort -n | tail -n 1)
  fact checkpointTime "$newest"
  [ -f "$dir/exit" ] && fact ended yes
  if [ -f "$dir/pid" ] && read -r p t b _ <"$dir/pid"; then
    if alive "$p" "$t" "$b"; then
      fact alive yes
      set -- $(of_group "$p")
      fact cpu "\${1:-}"
      fact states "\${2:-}"
      fact waits "$(cat "/proc/$p/wchan" 2>/dev/null)"
      fact read "$(sed -n 's/^read_bytes: //p' "/proc/$p/io" 2>/dev/null)"
    else fact alive no; fi
  fi
}
looked a
sleep "$seconds"
looked b
look=x
if has nvidia-smi; then
  fact gpu "$(short nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits 2>/dev/null | sort -n | tail -n 1)"
fi
fact hertz "$(getconf CLK_TCK 2>/dev/null || echo 100)"
`

export interface Silence {
  readonly state:
    | 'writes'
    | 'data-bound'
    | 'buffered'
    | 'computes'
    | 'waits-for-data'
    | 'stopped'
    | 'hung'
    | 'gone'
    | 'ended'
    | 'unknown'
  readonly because: string
  readonly next: string
}

/** At most so much of the busiest card counts as idle, percent (handbook monitoring 3.1: data-bound is GPU at 0 %). */
const idlePercent = 5
/** Share of one core from which a process is said to compute (handbook monitoring 3.2: idle is CPU < 5 %). */
const busyFraction = 0.05

/** Tells a run that is silent from one that hangs (handbook monitoring 3.1), from two looks. */
export function judgeSilence(fact: (name: string) => string | null): Silence {
  const number = (name: string) => numberOf(fact(name))
  const grew = (name: string) => (number(`b.${name}`) ?? 0) > (number(`a.${name}`) ?? 0)
  const said = (state: Silence['state'], because: string, next: string): Silence => ({ state, because, next })
  if (fact('b.ended') !== null) return said('ended', 'its exit file is there', 'Judge its results (parse-outputs).')
  if (fact('b.alive') === null)
    return said(
      'unknown',
      'there is no pid file of it: it waits for its turn, or the runner is gone',
      'Look why (why-gone).',
    )
  if (fact('b.alive') === 'no') return said('gone', 'its process is gone', 'Look why (why-gone).')
  const states = fact('b.states') ?? ''
  const gpu = number('x.gpu')
  const advances = grew('step') || grew('metrics')
  if (advances && gpu !== null && gpu <= idlePercent)
    return said(
      'data-bound',
      `its steps advance while the busiest card is used to ${gpu} %`,
      'It is not idle: measure data against compute time (profile-loader).',
    )
  if (grew('log') || advances) return said('writes', 'it writes', 'Nothing is wrong here.')
  const logTime = number('b.logTime')
  const checkpointTime = number('b.checkpointTime')
  if (grew('checkpointTime') || (logTime !== null && checkpointTime !== null && checkpointTime > logTime + 5))
    return said(
      'buffered',
      `its log stands still while checkpoints move${checkpointTime === null ? '' : `, ${(number('b.now') ?? checkpointTime) - checkpointTime} s ago`}`,
      'It is not stalled: have it flush its output next time (PYTHONUNBUFFERED=1, stdbuf).',
    )
  if (/^[Tt]+$/.test(states))
    return said('stopped', 'its processes are stopped (T)', 'Somebody stopped it: kill -CONT, after asking.')
  const seconds = (number('b.now') ?? 0) - (number('a.now') ?? 0)
  const cpu = number('b.cpu')
  const before = number('a.cpu')
  const cores =
    cpu === null || before === null || seconds < 1 ? null : (cpu - before) / (number('x.hertz') ?? 100) / seconds
  if (states.includes('D') || (number('b.read') ?? 0) - (number('a.read') ?? 0) > 1024 * 1024)
    return said(
      'waits-for-data',
      'it reads, or waits for a disk',
      'Look at the disk and at where the data lie (profile-loader).',
    )
  if (cores === null)
    return said('unknown', 'its CPU time cannot be told here', 'Look again later, then collect-evidence.')
  if (cores > busyFraction || (gpu !== null && gpu > idlePercent))
    return said(
      'computes',
      `it uses ${cores.toFixed(2)} cores${gpu === null ? '' : ` and the card to ${gpu} %`}, and writes nothing`,
      'All ranks at full load without a step: distributed-debug. Else let it be until a unit should have been over.',
    )
  return said(
    'hung',
    `neither CPU nor disk nor card moves${fact('b.waits') === null ? '' : ` (waits in ${fact('b.waits')})`}`,
    'Collect evidence; then stop it and resume from its checkpoint, by a person.',
  )
}

/** Tells buffered, data-bound, waiting and hung apart. */
export const recipe = defineRecipe({
  id: 'why-silent',
  title: 'Why is it silent?',
  runbook: {
    when: 'A unit is alive and its log has not moved for longer than it should. Before anybody calls it hung or restarts it.',
    touches:
      'Nothing. It looks twice at log, metrics, checkpoints, CPU time and card of the one unit, some seconds apart. A loader that feeds too slowly and a log that is only buffered are told from a hang; what cannot be told stays unknown.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    unit: z.string().describe('unit that is silent'),
    seconds: z.number().int().min(1).max(300).default(20).describe('between the two looks'),
  }),
  serves: [
    { rule: 'unit-stalled', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'unit-slow', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'stalled', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'past-end' },
    { rule: 'heartbeat' },
    { rule: 'gpu-idle', fill: ({ unit }) => (unit === null ? {} : { unit }) },
  ],
  cells: [
    {
      name: 'look',
      title: 'Look twice',
      risk: 'read',
      timeoutSeconds: 360,
      plan: looksOnly(),
      run: async (context) => {
        const { unit, seconds } = context.parameters
        const words = [folderOf(context), checkedUnit(context, unit), String(seconds)]
        const { text, code } = await ask(context, source, words, { timeoutSeconds: seconds + 45, codes: [0, 67] })
        if (code === 67) return context.fail(`There is no unit ${unit} on ${context.host.name}.`)
        const found = judgeSilence(readFacts(clean(text)))
        await context.record('silence', found)
        context.say(found.because)
        context.say(`next: ${found.next}`)
        return { summary: `${found.state}: ${found.because}` }
      },
    },
  ],
})
