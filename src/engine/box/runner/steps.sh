# ==== steps of the plan: after the last unit, and to save what there is ==============================================
# run_step <file in steps/>: first line the time limit in seconds, then the arguments. Sets code.
run_step() {
  step_file=$1
  step=${1##*/}
  step=${step#*-}
  step_dir=$folder/after/$step
  mkdir -p "$step_dir"
  rm -f "$step_dir/exit"
  set --
  {
    IFS= read -r limit
    while IFS= read -r line; do
      word=$(printf '%bx' "$line")
      set -- "$@" "${word%x}"
    done
  } <"$step_file"
  event step.started "\"step\":\"$step\""
  now_steady
  step_began=$now step_from=$steady
  (become "$@") >>"$step_dir/log" 2>&1 </dev/null &
  child=$!
  ticks_of "$child" || :
  step_ticks=$ticks
  ended_by=
  while is_alive "$child" "$step_ticks" "$boot_id"; do
    pause
    polls=$((polls + 1))
    now_steady
    [ $((polls % beat_every)) = 0 ] && beat
    [ -e stop ] && stop_because stopped 14
    [ -n "$asked" ] && stop_because stopped 14
    if [ -z "$ended_by" ]; then
      case $stop_reason:$step_file in :* | *:steps/save-*) ;; *) ended_by=stop ;; esac
      [ $((steady - step_from)) -lt $((limit * 1000)) ] || ended_by=timeout
      [ -z "$ended_by" ] || { ending_began=$steady && signal_unit TERM "$child"; }
    elif [ $((steady - ending_began)) -ge $((grace_seconds * 1000)) ]; then signal_unit KILL "$child"; fi
  done
  wait "$child"
  code=$?
  end_group "$child"
  [ "$ended_by" = timeout ] && code=124
  now_ms
  put "$step_dir/exit" "$code"
  event step.ended "\"step\":\"$step\",\"code\":$code,\"startedAtMs\":$step_began"
}
