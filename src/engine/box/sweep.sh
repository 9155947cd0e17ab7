# Ends what a runner that was killed has left: workers first, so that they take nothing new, then the units' groups.
# Arguments: folder, signal name without SIG (0 only counts). Prints how many there were. A pid counts only with its start time.
set -u
cd -- "$1" 2>/dev/null || { echo 0; exit 0; }
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
