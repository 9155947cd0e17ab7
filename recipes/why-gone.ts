import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask, checkedUnit, clean, folderOf, looksOnly, numberOf, readFacts, shellKit } from './parts/ask.ts'

/**
 * What is left of a run that went without a word. Words: folder, unit or -, folder of the control group.
 * One line a fact; what could not be read has no line.
 */
const source = `${shellKit}
cd -- "$1" || exit 66
unit=$2 group=$3
fact() { printf '%s=%s\\n' "$1" "$2"; }
fact boot "$boot"
[ -r /proc/uptime ] && read -r up _ </proc/uptime && fact uptime "\${up%%.*}"
if [ -f runner.pid ] && read -r p t b _ <runner.pid; then
  fact runnerBoot "$b"
  fact runnerPid "$p"
  if alive "$p" "$t" "$b"; then fact runner alive; else fact runner gone; fi
fi
[ -f exit.json ] && fact runEnd "$(head -c 2000 exit.json | tr -d '\\n')"
[ -f stop ] && fact stop "$(head -n 1 stop)"
[ -f guard/alarm ] && fact guard "$(head -n 1 guard/alarm)"
if [ "$unit" != - ]; then
  dir=units/$unit
  [ -d "$dir" ] && fact unitThere yes
  if [ -f "$dir/pid" ] && read -r p t b _ <"$dir/pid"; then
    fact unitPid "$p"
    if alive "$p" "$t" "$b"; then fact unit alive; else fact unit gone; fi
  fi
  [ -f "$dir/exit" ] && fact code "$(sed -n 's/^code=//p' "$dir/exit" | head -n 1)"
  if [ -f "$dir/log" ]; then
    fact lastLine "$(tail -n 1 "$dir/log" | head -c 400)"
    fact noSpace "$(tail -n 200 "$dir/log" | grep -c -e 'No space left' -e 'Disk quota exceeded')"
    fact traceback "$(tail -n 200 "$dir/log" | grep -c '^Traceback')"
  fi
fi
if [ -r "$group/memory.events" ]; then fact oomKills "$(sed -n 's/^oom_kill //p' "$group/memory.events" | head -n 1)"
elif [ -r "$group/memory/memory.oom_control" ]; then fact oomKills "$(sed -n 's/^oom_kill //p' "$group/memory/memory.oom_control" | head -n 1)"; fi
if has dmesg && kernel=$(short dmesg 2>/dev/null); then
  fact kernelLog read
  fact kernelKill "$(printf '%s\\n' "$kernel" | grep -E 'Killed process|oom-kill' | tail -n 1)"
  fact xid "$(printf '%s\\n' "$kernel" | grep 'NVRM: Xid' | tail -n 1)"
fi
if has nvidia-smi; then
  if cards=$(short nvidia-smi -L 2>&1); then fact cards "$(printf '%s\\n' "$cards" | grep -c '^GPU')"; else fact cardsLost "$(printf '%s\\n' "$cards" | tail -n 1)"; fi
fi
fact diskPercent "$(df -P -k . | awk 'NR == 2 { sub(/%/, "", $5); print $5 }')"
fact inodePercent "$(df -P -i . 2>/dev/null | awk 'NR == 2 { sub(/%/, "", $5); print $5 }')"
for h in "$HOME/.bash_history" "$HOME/.zsh_history" "$HOME/.ash_history"; do
  [ -r "$h" ] && tail -n 200 "$h" | grep -E '(^|[;& ])(kill|pkill|killall|reboot|shutdown|tmux kill-)' | tail -n 1
done | tail -n 1 | { IFS= read -r line && fact killedByHand "$line"; }
exit 0
`

type Fact = (name: string) => string | null

export interface Cause {
  readonly cause:
    | 'not-gone'
    | 'reboot'
    | 'stopped'
    | 'memory'
    | 'card'
    | 'disk'
    | 'by-hand'
    | 'hang-up'
    | 'own-error'
    | 'finished'
    | 'unknown'
  readonly isCertain: boolean
  readonly because: readonly string[]
  readonly next: string
}

const cause = (word: Cause['cause'], isCertain: boolean, next: string, ...because: (string | null)[]): Cause => ({
  cause: word,
  isCertain,
  next,
  because: because.filter((line) => line !== null),
})

/** The likeliest cause, most certain witness first (handbook monitoring 8.1: kernel log, cards, control group, uptime). */
export function likeliestCause(fact: Fact): Cause {
  if (fact('unit') === 'alive' || (fact('unit') === null && fact('runner') === 'alive' && fact('code') === null))
    return cause('not-gone', true, 'Nothing to repair: look why it is silent (why-silent).', 'its process is alive')
  const code = numberOf(fact('code'))
  const pids = [fact('unitPid'), fact('runnerPid')].filter((pid) => pid !== null)
  const kernelKill = fact('kernelKill')
  const isOurs = pids.some((pid) => new RegExp(`Killed process ${pid}\\b`).test(kernelKill ?? ''))
  const kills = numberOf(fact('oomKills')) ?? 0
  const runnerBoot = fact('runnerBoot')
  if (code === 0)
    return cause('finished', true, 'It ended by itself: judge its results (parse-outputs).', 'exit code 0')
  if (runnerBoot !== null && runnerBoot !== 'none' && fact('boot') !== 'none' && runnerBoot !== fact('boot'))
    return cause(
      'reboot',
      true,
      'Launch again: finished units are skipped, the rest resumes (reattach).',
      `boot id then ${runnerBoot}, now ${fact('boot')}`,
      fact('uptime') === null ? null : `up for ${fact('uptime')} s`,
    )
  if (fact('stop') !== null)
    return cause('stopped', true, 'Somebody asked for it; launch again when it is to go on.', `stop: ${fact('stop')}`)
  if (isOurs)
    return cause('memory', true, 'Hold workers against the limit (host-memory), then retry-identical.', kernelKill)
  if (fact('cardsLost') !== null || /Xid[^:]*:? *\([^)]*\): (48|79)\b/.test(fact('xid') ?? ''))
    return cause(
      'card',
      true,
      'Another machine: the card is lost (gpu-preflight, re-rent).',
      fact('xid'),
      fact('cardsLost'),
    )
  if (kills > 0 && (code === 137 || code === null))
    return cause(
      'memory',
      false,
      'Hold workers against the limit (host-memory), then retry-identical.',
      `the kernel killed ${kills} times in this control group`,
      code === null ? null : 'exit code 137',
      kernelKill,
    )
  const disk = Math.max(numberOf(fact('diskPercent')) ?? 0, numberOf(fact('inodePercent')) ?? 0)
  if ((numberOf(fact('noSpace')) ?? 0) > 0)
    return cause('disk', true, 'Make room (free-disk, free-inodes), then retry-identical.', fact('lastLine'))
  if (disk >= 99) return cause('disk', false, 'Make room (free-disk, free-inodes).', `the disk is used to ${disk} %`)
  if ((numberOf(fact('traceback')) ?? 0) > 0)
    return cause('own-error', true, 'Read it and repair it; no retry before (collect-evidence).', fact('lastLine'))
  if (code === 129)
    return cause('hang-up', true, 'It was not detached: launch it by kx.', 'exit code 129: the terminal went')
  if (fact('killedByHand') !== null && (code === null || code > 128))
    return cause(
      'by-hand',
      false,
      'Ask who uses this machine, then launch again (resume).',
      `the newest such line of a shell history, of unknown time: ${fact('killedByHand')}`,
    )
  if (code !== null && code > 0 && code < 128)
    return cause('own-error', true, 'Read its last lines (collect-evidence).', `exit code ${code}`, fact('lastLine'))
  return cause(
    'unknown',
    false,
    'Collect evidence and ask; do not restart it blindly.',
    code === null ? null : `exit code ${code}`,
    fact('kernelLog') === null ? 'the kernel log cannot be read here' : 'the kernel log says nothing of it',
  )
}

/** Names the likeliest cause of a run or unit that is gone. */
export const recipe = defineRecipe({
  id: 'why-gone',
  title: 'Why is it gone?',
  runbook: {
    when: 'A unit or the runner is gone without a result, and the log just stops.',
    touches:
      'Nothing. It reads exit files, boot id, kernel log, control group, cards, disks, and the newest line of a shell history that ends processes. What cannot be read there is said; a guess is called one.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    unit: z.string().default('').describe('unit that is gone; the runner by default'),
    cgroup: z.string().default('/sys/fs/cgroup').describe('folder of the control group on the host'),
  }),
  serves: [
    { rule: 'dead' },
    { rule: 'oom-kill' },
    { rule: 'unit-failed', fill: ({ unit }) => (unit === null ? {} : { unit }) },
  ],
  cells: [
    {
      name: 'look',
      title: 'Ask every witness',
      risk: 'read',
      timeoutSeconds: 60,
      plan: looksOnly(),
      run: async (context) => {
        const { unit, cgroup } = context.parameters
        const word = unit === '' ? '-' : checkedUnit(context, unit)
        const { text } = await ask(context, source, [folderOf(context), word, cgroup], { timeoutSeconds: 45 })
        const fact = readFacts(clean(text))
        if (unit !== '' && fact('unitThere') === null)
          return context.fail(`There is no unit ${unit} on ${context.host.name}.`)
        const found = likeliestCause(fact)
        await context.record('cause', found)
        for (const line of found.because) context.say(line)
        if (fact('kernelLog') === null) context.say('the kernel log cannot be read here: what it knows stays unknown')
        context.say(`next: ${found.next}`)
        return {
          summary: `${found.cause === 'unknown' ? 'cause unknown' : `${found.isCertain ? '' : 'likely '}${found.cause}`}`,
        }
      },
    },
  ],
})
