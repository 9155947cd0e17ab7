# Ends what a runner that was killed has left: workers first, so that they take nothing new, then the units' groups.
# Arguments: folder, signal name without SIG (0 only counts). Prints how many there were. A pid counts only with its start time.
set -u
cd -- "$1" 2>/dev/null || { echo 0; exit 0; }
boot=none
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
is_alive() {
  [ "$3" = "$boot" ] || return 1
  if [ ! -r /proc/self/stat ]; then kill -0 "$1" 2>/dev/null; return; fi
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  want=$2
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "${20:-}" = "$want" ] && [ "$1" != Z ] && [ "$1" != X ]
}
ended=0
for path in control/worker.*.pid; do
  [ -f "$path" ] && read -r p t b <"$path" && is_alive "$p" "$t" "$b" && { [ "$2" = 0 ] || kill -KILL "$p" 2>/dev/null; } && ended=$((ended + 1))
done
for path in units/*/pid; do
  [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" || continue
  { kill "-$2" "-$p" 2>/dev/null || kill "-$2" "$p" 2>/dev/null; } && ended=$((ended + 1))
done
echo "$ended"
exit 0
