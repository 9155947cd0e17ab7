/**
 * Further sections of the probe script for an audit, in the same POSIX sh: where paths really lie, limits, who holds the
 * cards, and the versions of driver and toolkit. They use `section`, `together`, `limited` and `climb` of the script.
 */
export const wideFunctions = `
# Word, then the path behind every symlink. Of what is not there, the nearest folder above it that is; a link that leads
# nowhere is said, because what is written through it fails.
real_of() {
  at=$1; word=there
  while [ ! -e "$at" ] && [ "$at" != / ] && [ -n "$at" ]; do
    if [ -L "$at" ]; then printf 'dangling %s\\n' "$at"; return 0; fi
    at=\${at%/*}; word=missing
  done
  [ -n "$at" ] || at=/
  printf '%s ' "$word"
  readlink -f -- "$at"
}

level_pids() {
  [ -r "$1/pids.max" ] && printf '%s pids.max %s\\n' "$2" "$(cat "$1/pids.max")"
  [ -r "$1/pids.current" ] && printf '%s pids.current %s\\n' "$2" "$(cat "$1/pids.current")"
  return 0
}
cgroup_pids() {
  root=/sys/fs/cgroup
  if [ -r "$root/cgroup.controllers" ]; then climb "$root" "$(sed -n 's/^0:://p' /proc/self/cgroup)" level_pids
  elif [ -d "$root/pids" ]; then
    climb "$root/pids" "$(sed -n 's/^[0-9]*:\\([^:]*,\\)*pids\\(,[^:]*\\)*://p' /proc/self/cgroup)" level_pids
  fi
  echo end
}

# Who has a card open, by the links of every process that this user may look into.
holders() {
  [ -e /dev/nvidiactl ] || [ -e /dev/nvidia0 ] || return 127
  hidden=0
  for entry in /proc/[0-9]*; do [ -r "$entry/fd" ] || hidden=$((hidden + 1)); done
  printf 'hidden %s\\n' "$hidden"
  limited ls -ln /proc/[0-9]*/fd | sed -n -e 's|^/proc/\\([0-9]*\\)/fd:$|\\1|p' -e 's|^.* -> /dev/nvidia\\([0-9][0-9]*\\)$|card \\1|p' |
    while read -r first second; do
      if [ "$first" != card ]; then holder=$first
      else printf '%s %s\\n' "$holder" "$second"; fi
    done | sort -u | head -n 200 |
    while read -r holder card; do
      line=$(tr '\\n' ' ' <"/proc/$holder/stat") || continue
      printf 'holder %s %s\\n' "$card" "$line"
    done
  echo end
}
processes() {
  readlink /proc/self/ns/pid || echo unknown
  for entry in /proc/[0-9]*; do printf '%s ' "\${entry#/proc/}"; done
  printf '\\nend\\n'
}
# Only where there is no /proc: elsewhere ps reads that too, and sees no more in it.
process_table() {
  [ ! -d /proc/self ] || return 127
  limited ps -A -o pid,ppid,pgid,stat,comm || limited ps -o pid,ppid,pgid,stat,comm
}

driver_cuda() {
  command -v nvidia-smi >/dev/null || return 127
  [ "$gpu_silent" = 0 ] || return 124
  limited nvidia-smi | sed -n 's/^.*CUDA Version: *\\([0-9][0-9.]*\\).*$/\\1/p' | head -n 1
}
toolkit() {
  compiler=$(command -v nvcc) || compiler=/usr/local/cuda/bin/nvcc
  [ -x "$compiler" ] || return 127
  limited "$compiler" --version
}

wide() {
  section limits cat /proc/self/limits
  section cgroup-pids cgroup_pids
  section toolkit toolkit
}
cards() {
  section driver-cuda driver_cuda
  section holders holders
  section processes processes
  section ps process_table
}
`

export const wideCalls = `
together wide
number=0
for path in "$@"; do
  together section "real-$number" real_of "$path"
  number=$((number + 1))
done
together cards
`
