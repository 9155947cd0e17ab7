# ==== what the run is doing ==========================================================================================
# One write a line, so that it stays whole beside the lines of the runner. In guard/events.jsonl once more, with a number.
event() {
  now_ms
  told=$((told + 1))
  line="{\"atMs\":$now,\"event\":\"guard.$1\",\"number\":$told,\"token\":\"$token\",\"spentSeconds\":$((spent_ms / 1000)),\"lease\":$lease_number${2:+,$2}}"
  printf '%s\n' "$line" >>guard/events.jsonl
  printf '%s\n' "$line" >>events.jsonl
  sync_file guard/events.jsonl
}

runner_lives() { [ -f runner.pid ] && read -r p t b _ <runner.pid && is_alive "$p" "$t" "$b"; }

units_live() {
  for path in units/*/pid; do
    [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" && return 0
  done
  return 1
}

# look_run: sets run_state to running, stalled, finished or dead, and state_ms to when it became so.
look_run() {
  before=$run_state
  progress_mark
  if [ "$mark" != "$last_mark" ]; then last_mark=$mark progress_ms=$spent_ms; fi
  if runner_lives || units_live; then
    run_state=running
    if [ $((spent_ms - progress_ms)) -ge $((stall_seconds * 1000)) ]; then run_state=stalled; fi
  elif ! { read -r p t b k 2>/dev/null <runner.pid && [ "$k" = "$token" ]; }; then run_state=starting
  elif [ -f exit.json ]; then run_state=finished
  else run_state=dead; fi
  [ "$run_state" = "$before" ] || state_ms=$spent_ms
}

# due: sets why to the reason to act now, empty when there is none.
due() {
  why=
  # What was begun is not taken back because the work has ended by it; only who comes can.
  if [ -n "$latched" ]; then
    if [ "$came_ms" -le "$latched_ms" ]; then
      why=$latched
      return
    fi
    latched=
  fi
  if [ $((spent_ms / 1000)) -ge "$lease_seconds" ]; then
    why=lease
    return
  fi
  # Where nobody bills, time alone is watched: a machine of one's own that is idle costs nothing.
  [ "$run_state" != running ] && [ "$has_meter" = 1 ] || return 0
  quiet_ms=$state_ms
  [ "$came_ms" -le "$quiet_ms" ] || quiet_ms=$came_ms
  if [ $((spent_ms - quiet_ms)) -ge $((absent_seconds * 1000)) ]; then why=$run_state; fi
}
