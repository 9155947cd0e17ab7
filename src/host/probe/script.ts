import { gpuFields } from './nvidia.ts'
import { wideCalls, wideFunctions } from './script-wide.ts'

/**
 * One read-only look at a host, in POSIX sh (dash, busybox). Arguments: nonce, seconds a command may take, pid or `-`,
 * then the paths whose file systems are asked. Sections stand between `<nonce> begin <name>` and
 * `<nonce> end <name> <exit code>`. Cheap ones come first: a command that hangs in the kernel can only cost those
 * behind it. It writes nothing and starts nothing that stays.
 */
const functions = `
set -u
LC_ALL=C; export LC_ALL
nonce=$1; seconds=$2; pid=$3; shift 3

if timeout -k 1 5 true >/dev/null 2>&1; then limit_kind=kill
elif timeout 5 true >/dev/null 2>&1; then limit_kind=plain
elif timeout -t 5 true >/dev/null 2>&1; then limit_kind=old
else limit_kind=none; fi

limited() {
  case $limit_kind in
    kill) timeout -k 1 "$seconds" "$@" ;;
    plain) timeout "$seconds" "$@" ;;
    old) timeout -t "$seconds" "$@" ;;
    *)
      "$@" & child=$!
      ( sleep "$seconds"; kill -9 "$child" ) >/dev/null 2>&1 & watcher=$!
      wait "$child"; code=$?
      kill "$watcher" 2>/dev/null
      return "$code" ;;
  esac
}

section() {
  name=$1; shift
  printf '\\n%s begin %s\\n' "$nonce" "$name"
  "$@" 2>/dev/null
  printf '\\n%s end %s %d\\n' "$nonce" "$name" "$?"
}

# What a group prints leaves in one piece: whoever listens is woken once, and a link carries one packet. Nothing in one
# may hang for good, or set a variable that a later section reads.
together() {
  pieces=$("$@")
  printf '%s\\n' "$pieces"
}

first_line() { head -n 1 "$1"; }
cores() { nproc || getconf _NPROCESSORS_ONLN; }

level_v2() {
  for file in memory.max memory.current cpu.max; do
    [ -r "$1/$file" ] && printf '%s %s %s\\n' "$2" "$file" "$(cat "$1/$file")"
  done
  [ -r "$1/memory.events" ] && printf '%s oom_kill %s\\n' "$2" "$(sed -n 's/^oom_kill //p' "$1/memory.events")"
  [ -r "$1/memory.stat" ] && printf '%s inactive_file %s\\n' "$2" "$(sed -n 's/^inactive_file //p' "$1/memory.stat")"
  return 0
}

level_v1_memory() {
  [ -r "$1/memory.limit_in_bytes" ] && printf '%s memory.max %s\\n' "$2" "$(cat "$1/memory.limit_in_bytes")"
  [ -r "$1/memory.usage_in_bytes" ] && printf '%s memory.current %s\\n' "$2" "$(cat "$1/memory.usage_in_bytes")"
  [ -r "$1/memory.oom_control" ] && printf '%s oom_kill %s\\n' "$2" "$(sed -n 's/^oom_kill //p' "$1/memory.oom_control")"
  [ -r "$1/memory.stat" ] && printf '%s inactive_file %s\\n' "$2" "$(sed -n 's/^total_inactive_file //p' "$1/memory.stat")"
  return 0
}

level_v1_cpu() {
  [ -r "$1/cpu.cfs_quota_us" ] || return 0
  quota=$(cat "$1/cpu.cfs_quota_us"); [ "$quota" = -1 ] && quota=max
  printf '%s cpu.max %s %s\\n' "$2" "$quota" "$(cat "$1/cpu.cfs_period_us")"
}

climb() {
  base=$1; at=$base$2; level=0
  [ -d "$at" ] || at=$base
  at=\${at%/}
  while [ "$level" -lt 32 ]; do
    "$3" "$at" "$level"
    [ "$at" = "$base" ] && break
    at=\${at%/*}; level=$((level + 1))
  done
}

cgroup() {
  root=/sys/fs/cgroup
  if [ -r "$root/cgroup.controllers" ]; then
    echo 'version 2'
    climb "$root" "$(sed -n 's/^0:://p' /proc/self/cgroup)" level_v2
  elif [ -d "$root/memory" ]; then
    echo 'version 1'
    climb "$root/memory" "$(sed -n 's/^[0-9]*:\\([^:]*,\\)*memory\\(,[^:]*\\)*://p' /proc/self/cgroup)" level_v1_memory
    climb "$root/cpu" "$(sed -n 's/^[0-9]*:\\([^:]*,\\)*cpu\\(,[^:]*\\)*://p' /proc/self/cgroup)" level_v1_cpu
  fi
  echo end
}

descriptors() { ls "/proc/$pid/fd" | wc -l; }

bytes_of() { limited df -P -B1 -- "$1" || limited df -P -k -- "$1"; }
inodes_of() { limited df -P -i -- "$1" || limited df -i -- "$1"; }

gpu_fields='${gpuFields.join(' ')}'
gpu_silent=0
gpus() {
  command -v nvidia-smi >/dev/null || return 127
  tries=0
  while [ "$tries" -lt 5 ]; do
    asked=$(printf '%s' "$gpu_fields" | tr ' ' ',')
    answer=$(limited nvidia-smi "--query-gpu=$asked" --format=csv,noheader,nounits); code=$?
    bad=$(printf '%s\\n' "$answer" | sed -n 's/^Field "\\(.*\\)" is not a valid field to query.*/\\1/p' | head -n 1)
    [ -n "$bad" ] || break
    kept=
    for field in $gpu_fields; do
      if [ "$field" != "$bad" ]; then kept="$kept $field"
      elif [ "$field" = clocks_throttle_reasons.active ]; then kept="$kept clocks_event_reasons.active"; fi
    done
    gpu_fields=\${kept# }
    tries=$((tries + 1))
  done
  case $code in 124|137|143) gpu_silent=1 ;; esac
  printf '%s\\n%s\\n' "$asked" "$answer"
  return "$code"
}
gpu_processes() {
  command -v nvidia-smi >/dev/null || return 127
  # Asked once in vain: the second question would only cost the same wait again.
  [ "$gpu_silent" = 0 ] || return 124
  limited nvidia-smi --query-compute-apps=gpu_uuid,pid,process_name,used_memory --format=csv,noheader,nounits
}
xids() {
  command -v nvidia-smi >/dev/null || return 127
  # A log without a single line was emptied, or is not shown to this user: it says nothing of the cards.
  log=$(limited dmesg) && [ -n "$log" ] || log=$(limited journalctl -k -b -q --no-pager -n 20000) || return 1
  [ -n "$log" ] || return 1
  printf '%s\\n' "$log" | grep 'NVRM: Xid' | tail -n 50
  return 0
}

machine() {
  section clock date +%s
  section machine-id cat /etc/machine-id
  section boot-id cat /proc/sys/kernel/random/boot_id
  section meminfo cat /proc/meminfo
  section loadavg cat /proc/loadavg
  section uptime cat /proc/uptime
  section cpu-ticks first_line /proc/stat
  section cores cores
  section arch uname -m
  section ticks-per-second getconf CLK_TCK
  section vmstat grep oom_kill /proc/vmstat
  section cgroup cgroup
  if [ "$pid" != - ]; then
    section process-stat cat "/proc/$pid/stat"
    section process-status cat "/proc/$pid/status"
    section process-descriptors descriptors
  fi
  section mounts cat /proc/self/mountinfo
}
disk() {
  section "bytes-$1" bytes_of "$2"
  section "inodes-$1" inodes_of "$2"
}
`

const calls = `
together machine
together section shm bytes_of /dev/shm
number=0
for path in "$@"; do
  while [ ! -e "$path" ] && [ "$path" != / ] && [ -n "$path" ]; do path=\${path%/*}; done
  [ -n "$path" ] || path=/
  together disk "$number" "$path"
  number=$((number + 1))
done
section gpus gpus
together section gpu-processes gpu_processes
together section xids xids
`

const end = `
printf '\\n%s done\\n' "$nonce"
`

export const probeScript = `${functions}${calls}${end}`

/** The same look with what an audit wants to know beside it (see `wide.ts`); still one round trip, and read-only. */
export const wideProbeScript = `${functions}${wideFunctions}${calls}${wideCalls}${end}`
