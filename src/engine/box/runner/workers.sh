# ==== workers: each takes one unit after the other from the queue ====================================================
work() {
  worker=$1
  me=$main_pid-$worker
  notes=0
  # Noticed and not obeyed: the main process says when a unit ends. A handler, not "ignore": units must not inherit that.
  trap 'signalled=1' TERM INT HUP
  gpu=
  if [ -n "$gpus" ]; then
    # shellcheck disable=SC2086
    IFS=, && set -- $gpus && unset IFS
    shift $(((worker - 1) % $#))
    gpu=$1
  fi
  while [ ! -e control/stopping ]; do
    # A worker whose main process is gone finishes what it has and takes nothing new.
    is_alive "$main_pid" "$main_ticks" "$boot_id" || return
    taken=
    for path in queue/*; do
      [ -f "$path" ] || continue
      # The claim: a rename succeeds for one worker only.
      if mv "$path" "claimed/${path##*/}" 2>/dev/null; then
        taken=${path##*/}
        break
      fi
    done
    [ -n "$taken" ] || break
    run_unit "$taken"
    if [ "$sequential" = 1 ] && [ "$state" != "done" ]; then break; fi
  done
  : >"control/worker.$worker.ended"
}

start_worker() {
  rm -f "control/worker.$1.ended" "control/worker.$1.entry"
  (work "$1") &
  worker_pid=$!
  ticks_of "$worker_pid" || :
  put "control/worker.$1.pid" "$worker_pid $ticks $boot_id"
}

workers_ended() {
  w=1
  while [ "$w" -le "$workers" ]; do
    [ -e "control/worker.$w.ended" ] || return 1
    w=$((w + 1))
  done
}

# A worker that was killed takes its unit with it: the unit is ended, written down as failed, and another worker begins.
replace_lost_workers() {
  w=0
  while [ "$w" -lt "$workers" ]; do
    w=$((w + 1))
    [ -e "control/worker.$w.ended" ] && continue
    read -r p t b <"control/worker.$w.pid" && is_alive "$p" "$t" "$b" && continue
    [ -e "control/worker.$w.ended" ] && continue
    event worker.lost "\"worker\":$w"
    if [ -f "control/worker.$w.entry" ] && IFS= read -r entry <"control/worker.$w.entry" && [ -f "claimed/$entry" ]; then
      unit=${entry#*-} dir=$folder/units/${entry#*-} worker=$w code=137 state=failed notes=1000000
      unit_attempt=1 unit_started=$now
      [ -f "$dir/attempts" ] && IFS= read -r unit_attempt <"$dir/attempts"
      if [ -f "$dir/pid" ] && read -r p t b _ unit_started _ <"$dir/pid" && is_alive "$p" "$t" "$b"; then end_group "$p"; fi
      if [ -f "$dir/exit" ]; then mv -f "claimed/$entry" "queue/$entry"; sort_claims; else end_unit; fi
    fi
    start_worker "$w"
  done
}
