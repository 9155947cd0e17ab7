import { parseProcessStat } from '../probe/process.ts'
import type { Host, ProcessIdentity } from '../types.ts'
import { prologue, splitNul } from './answer.ts'
import type { RunScript } from './types.ts'

/** How long a group may take to vanish after KILL before it is reported as still there. */
const afterKillSeconds = 5

const aliveScript = `${prologue}kx_b=
[ -r /proc/sys/kernel/random/boot_id ] && IFS= read -r kx_b </proc/sys/kernel/random/boot_id
printf '%s\\0' "$kx_b"
if [ -r "/proc/$1/stat" ]; then
  printf 'stat\\0'
  cat "/proc/$1/stat" 2>/dev/null
elif [ -e "/proc/$1" ] || [ ! -r /proc/self/stat ] || kill -0 "$1" 2>/dev/null; then
  printf 'untold\\0'
else
  printf 'none\\0'
fi
printf '\\0'`

/** Whether that very process runs there: same boot, same start time, not a zombie. `unknown` when it cannot be told. */
export async function isAliveRemote(run: RunScript, wanted: ProcessIdentity): Promise<boolean | 'unknown'> {
  if (!Number.isSafeInteger(wanted.pid) || wanted.pid <= 0) return false
  let ran: Awaited<ReturnType<RunScript>>
  try {
    ran = await run(aliveScript, [String(wanted.pid)], { timeoutSeconds: 20 })
  } catch {
    // Nothing could be asked: that says nothing about the process.
    return 'unknown'
  }
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0) return 'unknown'
  const parts = splitNul(ran.stdout)?.map((part) => new TextDecoder().decode(part))
  if (parts?.length !== 3) return 'unknown'
  const [boot, form, text = ''] = parts
  if (boot === '') return 'unknown'
  if (boot !== wanted.bootId) return false
  if (form === 'none') return text === '' ? false : 'unknown'
  if (form !== 'stat') return 'unknown'
  // Gone between the test and the reading of it.
  if (text === '') return false
  const stat = parseProcessStat(text)
  if (!stat.isKnown || stat.value.pid !== wanted.pid) return 'unknown'
  return stat.value.startTicks === wanted.startTicks && !/^[ZXx]$/.test(stat.value.state)
}

// Builtins only between the comparison and the signal, so that no other process can take the number in between.
// `look` sets state, group, session and start of one process; a name may hold brackets and line ends.
const killScript = `${prologue}kx_pid=$1 kx_start=$2 kx_boot=$3 kx_grace=$4 kx_after=$5
[ -r /proc/sys/kernel/random/boot_id ] && [ -r /proc/self/stat ] || { echo untold; exit; }
IFS= read -r kx_b </proc/sys/kernel/random/boot_id
[ "$kx_b" = "$kx_boot" ] || { echo was-gone; exit; }
look() {
  kx_text=
  { while IFS= read -r kx_l || [ -n "$kx_l" ]; do kx_text="$kx_text $kx_l"; done <"/proc/$1/stat"; } 2>/dev/null
  case $kx_text in *') '*) ;; *) return 1 ;; esac
  set -- \${kx_text##*) }
  [ $# -ge 21 ] || return 1
  kx_state=$1 kx_group=$3 kx_session=$4
  shift 19
  kx_began=$1
}
look $$ || { echo untold; exit; }
[ "$kx_group" != "$kx_pid" ] || { echo not-ours; exit; }
kx_whole=y kx_leader=
if look "$kx_pid"; then
  [ "$kx_began" = "$kx_start" ] || { echo not-ours; exit; }
  kx_leader=y
  [ "$kx_group" = "$kx_pid" ] || kx_whole=
elif [ -e "/proc/$kx_pid" ]; then
  echo untold
  exit
fi
same() { look "$kx_pid" && [ "$kx_began" = "$kx_start" ] && case $kx_state in Z | X | x) false ;; esac; }
left() {
  [ -n "$kx_whole" ] || { same; return; }
  kill -0 -"$kx_pid" 2>/dev/null || return 1
  for kx_each in /proc/[0-9]*; do
    look "\${kx_each#/proc/}" || continue
    [ "$kx_group" = "$kx_pid" ] || continue
    case $kx_state in Z | X | x) continue ;; esac
    [ -n "$kx_leader" ] || [ "$kx_session" = "$kx_pid" ] || continue
    return 0
  done
  return 1
}
send() { if [ -n "$kx_whole" ]; then kill -"$1" -"$kx_pid"; else same && kill -"$1" "$kx_pid"; fi 2>/dev/null; }
now() { IFS=' ' read -r kx_now kx_x </proc/uptime; kx_now=\${kx_now%.*}\${kx_now#*.}; }
gone_in() {
  now
  kx_end=$((kx_now + $1))
  while left; do
    now
    [ "$kx_now" -lt "$kx_end" ] || return 1
    sleep 0.05 2>/dev/null || sleep 1
  done
}
left || { echo was-gone; exit; }
send TERM
gone_in "$kx_grace" && { echo 'gone TERM'; exit; }
send KILL
gone_in "$kx_after" && { echo 'gone KILL'; exit; }
echo still-there`

export interface KillOutcome {
  readonly result: Awaited<ReturnType<Host['kill']>>
  /** Which signal it took, when it was `gone` by our doing. */
  readonly signal: 'SIGTERM' | 'SIGKILL' | null
}

/**
 * Ends a process group there: start time and boot id compared, TERM, grace, KILL, then looked at until nobody of it
 * runs. When that could not be seen, for whatever reason, it is `still-there`.
 */
export async function endRemote(run: RunScript, wanted: ProcessIdentity, graceSeconds: number): Promise<KillOutcome> {
  const { pid, startTicks, bootId } = wanted
  if (!Number.isSafeInteger(pid) || pid <= 1) return { result: 'not-ours', signal: null }
  const centiseconds = String(Math.round(Math.max(0, graceSeconds) * 100))
  const ran = await run(
    killScript,
    [String(pid), String(startTicks), bootId, centiseconds, String(afterKillSeconds * 100)],
    { timeoutSeconds: Math.max(0, graceSeconds) + afterKillSeconds + 20 },
  )
  const said =
    ran.ending.kind === 'exited' && ran.ending.code === 0 ? new TextDecoder().decode(ran.stdout).trimEnd() : ''
  if (said === 'gone TERM') return { result: 'gone', signal: 'SIGTERM' }
  if (said === 'gone KILL') return { result: 'gone', signal: 'SIGKILL' }
  return { result: said === 'was-gone' || said === 'not-ours' ? said : 'still-there', signal: null }
}

/** See `endRemote`. */
export const killRemote: (...args: Parameters<typeof endRemote>) => ReturnType<Host['kill']> = async (...args) =>
  (await endRemote(...args)).result
