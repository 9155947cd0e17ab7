# Put before the scripts that ask who lives. Sets boot; is_alive <pid> <start time> <boot id>: the same test as the runner's,
# because a pid is given out again, and a zombie does not run. It sets group to the process group, empty where none is told.
boot=none
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
is_alive() {
  group=
  [ "$3" = "$boot" ] || return 1
  if [ ! -r /proc/self/stat ]; then kill -0 "$1" 2>/dev/null; return; fi
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  want=$2
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  group=${3:-}
  [ "${20:-}" = "$want" ] && [ "$1" != Z ] && [ "$1" != X ]
}
