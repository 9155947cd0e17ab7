# ==== acting: save, then what can be undone, else an alarm ===========================================================
# say_self: what kx reads back. An alarm stays until its reason is gone.
say_self() {
  put_loose guard/clock "$token $spent_ms $clock_boot $clock_up $clock_wall"
  put_loose guard/now "$me_pid $me_ticks $boot_id $token $lease_number $lease_seconds $((spent_ms / 1000)) $run_state ${acted:--} ${alarm:--} $parks"
}

# raise <what>: one event and one record an alarm.
raise() {
  [ "$alarm" != "$1" ] || return 0
  alarm=$1
  event alarm "\"why\":\"$why\",\"what\":\"$1\""
  put guard/alarm "$why $1 $now $lease_number"
}

# While something that was started here runs: the lease goes on, and a guard that is asked about answers.
wait_a_look() {
  sleep "$step_seconds"
  count_time
  say_self
}

# run_save: the plan's save hook, bounded. Sets saved to none, done, failed or timeout.
run_save() {
  saved=none
  for save_file in steps/save-*; do
    [ -f "$save_file" ] || continue
    set --
    {
      IFS= read -r limit
      while IFS= read -r line; do
        word=$(printf '%bx' "$line")
        set -- "$@" "${word%x}"
      done
    } <"$save_file"
    event save.started "\"why\":\"$why\""
    from_ms=$spent_ms ended_by=
    (become "$@") >>"$folder/guard/save.log" 2>&1 </dev/null &
    child=$!
    ticks_of "$child" || :
    child_ticks=$ticks
    while is_alive "$child" "$child_ticks" "$boot_id"; do
      wait_a_look
      if [ -z "$ended_by" ]; then
        [ $((spent_ms - from_ms)) -lt $((limit * 1000)) ] || { ended_by=timeout && ending_ms=$spent_ms && signal_unit TERM "$child"; }
      elif [ $((spent_ms - ending_ms)) -ge $((grace_seconds * 1000)) ]; then signal_unit KILL "$child"; fi
    done
    wait "$child"
    code=$?
    end_group "$child"
    saved="done"
    if [ -n "$ended_by" ]; then saved=timeout code=124
    elif [ "$code" != 0 ]; then saved=failed; fi
    event save.ended "\"why\":\"$why\",\"result\":\"$saved\",\"code\":$code"
    [ "$saved" = "done" ] || return 1
  done
}

# end_work: units get TERM, time to save, then KILL, and the run its end. The runner does it, where it still answers.
end_work() {
  event stopping "\"why\":\"$why\""
  if runner_lives; then
    put stop "the guard of the lease: $why"
    kill -CONT "$p" 2>/dev/null
    from_ms=$spent_ms
    limit=$((grace_seconds + 60 + $(save_limit)))
    while runner_lives && [ $((spent_ms - from_ms)) -lt $((limit * 1000)) ]; do wait_a_look; done
  fi
  if runner_lives; then
    signal_unit TERM "$p"
    from_ms=$spent_ms
    while runner_lives && [ $((spent_ms - from_ms)) -lt $(((grace_seconds + 10) * 1000)) ]; do wait_a_look; done
    if runner_lives; then kill -KILL "$p" 2>/dev/null; fi
  fi
  # What is left of a runner that is gone.
  from_ms=$spent_ms
  for signal in TERM KILL; do
    for path in units/*/pid; do
      [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" || continue
      signal_unit "$signal" "$p"
      signal_unit CONT "$p"
    done
    while units_live && [ $((spent_ms - from_ms)) -lt $((grace_seconds * 1000)) ]; do wait_a_look; done
    units_live || break
  done
  event stopped "\"why\":\"$why\",\"units\":\"$(if units_live; then echo alive; else echo ended; fi)\""
  ! units_live && ! runner_lives
}

# The longest that the hook may take, in seconds; 0 without one.
save_limit() {
  longest=0
  for save_file in steps/save-*; do [ -f "$save_file" ] && IFS= read -r longest <"$save_file"; done
  echo "$longest"
}

# park: the one command that the profile allows from here. It ends this machine's meter and can be undone.
park() {
  set --
  while IFS= read -r line; do
    word=$(printf '%bx' "$line")
    set -- "$@" "${word%x}"
  done <guard/park
  event parking "\"why\":\"$why\""
  from_ms=$spent_ms
  ("$@") >>"$folder/guard/park.log" 2>&1 </dev/null &
  child=$!
  ticks_of "$child" || :
  child_ticks=$ticks ended_by=
  while is_alive "$child" "$child_ticks" "$boot_id"; do
    wait_a_look
    [ $((spent_ms - from_ms)) -lt $((park_seconds * 1000)) ] || { ended_by=timeout && kill -KILL "$child" 2>/dev/null; }
  done
  wait "$child"
  code=$?
  [ -z "$ended_by" ] || code=124
  event parked "\"why\":\"$why\",\"code\":$code"
  [ "$code" = 0 ]
}

# act: for the reason in why. Whatever fails blocks what comes after it, and is tried again after retry_seconds.
act() {
  if [ -s guard/park ] && [ "$visit_ms" != - ] && [ $((spent_ms - visit_ms)) -lt $((hold_seconds * 1000)) ]; then
    # Somebody is at it, fetching results perhaps: said once, and waited for.
    [ "$held" = "$why" ] || { held=$why && event held "\"why\":\"$why\""; }
    return
  fi
  case " $acted" in *" $why:$lease_number "*) return ;; esac
  [ "$tried_ms" = - ] || [ $((spent_ms - tried_ms)) -ge $((retry_seconds * 1000)) ] || return 0
  tried_ms=$spent_ms
  event due "\"why\":\"$why\",\"run\":\"$run_state\""
  if ! run_save; then
    raise "save-$saved"
    return
  fi
  if [ ! -s guard/park ]; then
    raise kept
    acted="$why:$lease_number ${acted}"
    event kept "\"why\":\"$why\",\"save\":\"$saved\""
    return
  fi
  latched=$why latched_ms=$spent_ms
  if runner_lives || units_live; then
    if ! end_work; then
      raise work-alive
      return
    fi
    # What the units saved at the very end is to be safe too.
    if ! run_save; then
      raise "save-$saved"
      return
    fi
  fi
  if ! park; then
    raise park-failed
    return
  fi
  parks=$((parks + 1))
  raise parked
}
