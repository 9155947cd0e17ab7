# ==== ending units: TERM, grace, KILL ================================================================================
# signal_units: TERM once to every unit that runs, KILL when the grace since stop_began is over. Sets busy.
signal_units() {
  now_steady
  busy=0
  for path in units/*/pid; do
    [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" || continue
    busy=1
    if [ $((steady - stop_began)) -ge $((grace_seconds * 1000)) ]; then
      signal_unit KILL "$p"
      continue
    fi
    case $asked_units in *" $p "*) continue ;; esac
    asked_units="$asked_units$p "
    signal_unit TERM "$p"
    # One that was stopped could not save.
    signal_unit CONT "$p"
  done
}

# Until all workers have written down how their unit ended.
stop_units() {
  : >control/stopping
  now_steady
  stop_began=$steady asked_units=' '
  while ! workers_ended; do
    signal_units
    [ $((steady - stop_began)) -ge $(((grace_seconds + 30) * 1000)) ] && break
    drain_notes
    pause
  done
}

# What an earlier runner, killed, has left running. Its workers are let be until they have written down how their unit
# ended: one that is killed between starting a unit and noting its process would leave a unit that nobody knows.
end_leftovers() {
  : >control/stopping
  now_steady
  stop_began=$steady asked_units=' '
  while :; do
    signal_units
    for path in control/worker.*.pid; do
      [ -f "$path" ] && read -r p t b <"$path" && is_alive "$p" "$t" "$b" || continue
      busy=1
      [ $((steady - stop_began)) -lt $(((grace_seconds + 10) * 1000)) ] || kill -KILL "$p" 2>/dev/null
    done
    [ "$busy" = 1 ] || break
    pause
  done
  # And whoever says in its environment that it is of this run, with no worker to speak for it. Without -F: grep -F of
  # busybox ends at the first NUL of a file.
  for path in $(grep -l KX_RUN_DIR= /proc/[0-9]*/environ 2>/dev/null); do
    p=${path#/proc/}
    p=${p%/environ}
    [ "$p" != "$main_pid" ] && tr '\0' '\n' 2>/dev/null <"$path" | grep -qxF "KX_RUN_DIR=$folder" && kill -KILL "$p" 2>/dev/null
  done
  rm -f control/worker.* control/stopping units/*/pid
}
