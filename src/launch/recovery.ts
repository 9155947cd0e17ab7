import type { Plan } from '../spec/schema.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { shellQuote } from '../text/shell.ts'

export interface RecoveryFacts {
  readonly runId: string
  readonly projectFolder: string
  readonly runFolder: string
  readonly hostName: string
  readonly folder: string
  readonly token: string
  readonly plan: Plan
  readonly workers: number
  readonly unitCount: number
  readonly atMs: number
  readonly leaseUntilMs: number | null
}

/**
 * The note from which a fresh start can take over (handbook monitoring 2, layer 4): the first probe, the resume command,
 * marker and artifact paths. Written before the start, so that it is there whatever happens next.
 */
export function recoveryNote(facts: RecoveryFacts): string {
  const folder = shellQuote(facts.folder)
  const globs = facts.plan.artifacts.map((a) => `- \`${sanitiseLine(a.glob)}\` (at least ${a.minimumCount}, ${a.kind})`)
  return `# Recovery note of ${facts.runId}

Written ${new Date(facts.atMs).toISOString()}, before the start. Everything below works without kx.

- plan: ${sanitiseLine(facts.plan.name)}: ${sanitiseLine(facts.plan.goal)}
- host: ${sanitiseLine(facts.hostName)}
- folder on the host: \`${sanitiseLine(facts.folder)}\`
- token: \`${facts.token}\`
- ${facts.unitCount} units on ${facts.workers} workers
- lease until: ${facts.leaseUntilMs === null ? 'none' : new Date(facts.leaseUntilMs).toISOString()}
- journal of the run: \`${sanitiseLine(facts.runFolder)}/journal.jsonl\`

## First look

    cd ${folder} && cat exit.json 2>/dev/null; cat heartbeat runner.pid; ls queue claimed done failed | head -50; tail -n 5 events.jsonl

- \`exit.json\` is written last: when it is there, the run has ended, and says how.
- \`runner.pid\` holds process id, start time (field 22 of /proc/PID/stat), boot id and token. Only when all of them agree is
  that process the runner.
- \`heartbeat\` is milliseconds since 1970; older than 10 minutes is a warning, not a proof.

## Go on after the runner died

    cd ${shellQuote(facts.projectFolder)} && kx launch

or by hand, which runs nothing twice. The units then inherit what this shell has set, its secrets too, so begin in a
fresh one that has only those of the plan:

    cd ${folder} && setsid sh ./runner-*.sh ${folder} </dev/null >/dev/null 2>&1 &

## Stop it

    echo 'reason' > ${shellQuote(`${facts.folder}/stop`)}

Units get a TERM and time to save; \`exit.json\` then says \`stopped\`.

## What must be kept

${globs.join('\n')}
- \`checkpoint.json\`, \`events.jsonl\`, \`units/*/log\`, \`units/*/exit\`

## Who watches

Nobody has to: the runner finishes alone. \`kx patrol\` looks once; the patrol screen looks again and again while it is open.
`
}
