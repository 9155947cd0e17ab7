# ==== one unit: started, waited for, written down ====================================================================
run_unit() {
  entry=$1
  unit=${entry#*-}
  dir=$folder/units/$unit
  mkdir -p "$dir/checkpoints"
  unit_attempt=0
  [ -f "$dir/attempts" ] && IFS= read -r unit_attempt <"$dir/attempts"
  case $unit_attempt in '' | *[!0-9]*) unit_attempt=0 ;; esac
  unit_attempt=$((unit_attempt + 1))
  put "$dir/attempts" "$unit_attempt"
  put "control/worker.$worker.entry" "$entry"
  set --
  {
    IFS= read -r unit_index
    IFS= read -r unit_seed
    while IFS= read -r line; do
      word=$(printf '%bx' "$line")
      set -- "$@" "${word%x}"
    done
  } <"claimed/$entry"
  [ "$unit_attempt" = 1 ] || printf -- '--- kx: attempt %s ---\n' "$unit_attempt" >>"$dir/log"
  begin_log
  now_ms
  unit_started=$now
  signalled=0
  (
    [ -z "$gpu" ] || set -- CUDA_VISIBLE_DEVICES="$gpu" "$@"
    become KX_UNIT="$unit" KX_UNIT_INDEX="$unit_index" KX_SEED="$unit_seed" KX_ATTEMPT="$unit_attempt" \
      KX_UNIT_DIR="$dir" KX_CHECKPOINT_DIR="$dir/checkpoints" "$@"
  ) >>"$dir/log" 2>&1 </dev/null &
  child=$!
  ticks_of "$child" || :
  put "$dir/pid" "$child $ticks $boot_id $worker $unit_started $unit_attempt"
  note unit.started "\"attempt\":$unit_attempt"
  follower=
  if [ -n "$log_pattern" ]; then
    follow_log "$child" "$ticks" &
    follower=$!
  fi
  wait "$child"
  code=$?
  # A signal for the runner wakes a wait up without ending the unit: wait again, and keep the true exit code.
  while [ "$signalled" = 1 ]; do
    signalled=0
    wait "$child"
    again=$?
    [ "$again" = 127 ] || code=$again
  done
  end_group "$child"
  # It sees that the unit has ended; a signal may wake this wait up before that.
  while [ -n "$follower" ] && kill -0 "$follower" 2>/dev/null; do wait "$follower"; done
  state=failed
  if [ "$code" = 0 ]; then
    if [ "$need_result" = 0 ] || [ -f "$dir/result.json" ]; then state="done"
    else printf 'kx: exit code 0, but no result.json: not done\n' >>"$dir/log"; fi
  elif [ -e control/stopping ]; then state=aborted; fi
  end_unit
}

# Needs entry, unit, dir, code, state, unit_attempt, unit_started, worker.
end_unit() {
  take_log "$dir" 1
  if [ "$state" = "done" ]; then log_result "$dir"; fi
  numbers="nan=0${newline}metric=${newline}results={}"
  if [ "$state" = "done" ] && [ -f "$dir/result.json" ]; then numbers=$(result_numbers "$dir/result.json"); fi
  if [ -f "$dir/metrics.jsonl" ] && nan_line <"$dir/metrics.jsonl"; then numbers="nan=1${newline}${numbers#nan=?"$newline"}"; fi
  now_ms
  put "$dir/exit" "unit=$unit${newline}code=$code${newline}state=$state${newline}attempt=$unit_attempt${newline}worker=$worker${newline}startedAtMs=$unit_started${newline}endedAtMs=$now${newline}$numbers"
  rm -f "$dir/pid"
  note unit.ended "\"attempt\":$unit_attempt,\"code\":$code,\"state\":\"$state\",\"seconds\":$(((now - unit_started) / 1000))"
  case $state in
    done) mv -f "claimed/$entry" "done/$entry" ;;
    failed) mv -f "claimed/$entry" "failed/$entry" ;;
    *) mv -f "claimed/$entry" "queue/$entry" ;;
  esac
  rm -f "control/worker.$worker.entry"
}
