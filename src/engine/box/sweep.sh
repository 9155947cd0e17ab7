# Signals what belongs to a run, one kind at a time, and prints how many there were. A pid counts only with its start time.
# Arguments: folder, signal name without SIG (0 only counts), kind, then for
#   runner: pid, start time and boot id of the process that the receipt names
#   rest:   systemd scope that the runner was started in, or nothing
set -u
cd -- "$1" 2>/dev/null || { echo 0; exit 0; }
signal=$2
found=0

# A stopped process would not get the signal before somebody wakes it up.
send() {
  kill -CONT "$1" 2>/dev/null
  kill "-$signal" "$1" 2>/dev/null
}

# With its group where it has one of its own; in a group of others, as when a script started it, alone.
signal_runner() {
  is_alive "$1" "$2" "$3" || return 0
  found=$((found + 1))
  [ "$signal" != 0 ] || return 0
  if [ "$group" = "$1" ]; then send "-$1"; else send "$1"; fi
}

case $3 in
  runner)
    # Who runs here may have been started by hand, and is then not who the receipt names.
    p='' t=''
    if [ -f runner.pid ] && read -r p t b _ <runner.pid; then signal_runner "$p" "$t" "$b"; fi
    [ "$4 $5" = "$p $t" ] || signal_runner "$4" "$5" "$6"
    ;;
  rest)
    # Workers first, so that they take nothing new, then the groups of the units.
    for path in control/worker.*.pid; do
      [ -f "$path" ] && read -r p t b <"$path" && is_alive "$p" "$t" "$b" || continue
      found=$((found + 1))
      [ "$signal" = 0 ] || kill -KILL "$p" 2>/dev/null
    done
    for path in units/*/pid; do
      [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" || continue
      found=$((found + 1))
      [ "$signal" = 0 ] || send "-$p" || send "$p"
    done
    # Whatever a unit put into a session of its own is still in the scope.
    if [ -n "${4:-}" ]; then
      if [ "$(id -u)" = 0 ]; then manager=--system; else manager=--user; fi
      if systemctl "$manager" is-active --quiet "$4" 2>/dev/null; then
        found=$((found + 1))
        [ "$signal" = 0 ] || systemctl "$manager" kill --kill-who=all --signal="$signal" "$4" 2>/dev/null
      fi
    fi
    ;;
esac
echo "$found"
exit 0
