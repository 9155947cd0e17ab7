# ==== the run ========================================================================================================
reason=runner-error exit_code=70 stop_reason='' changed=1 polls=0 elapsed=0 elapsed_before=0 n_done=0
[ -f elapsed ] && IFS= read -r elapsed_before <elapsed
case $elapsed_before in '' | *[!0-9]*) elapsed_before=0 ;; esac
now_steady
idle_since=$steady progress_at=$now last_mark=''
# poll_seconds may be a fraction: polls a second, at least one.
per_second=$(awk -v p="$poll_seconds" 'BEGIN { n = int(1 / p + 0.5); print n < 1 ? 1 : n }')
beat_every=$((per_second * heartbeat_seconds)) scan_every=$per_second
[ "$beat_every" -gt 0 ] || beat_every=1

trap finish EXIT
mkdir -p queue claimed "done" failed units control notes after
end_leftovers
fill_queue
put_given_aside
queue_again

event run.started "\"runId\":\"$run_id\",\"token\":\"$token\",\"pid\":$main_pid,\"workers\":$workers"
beat
w=1
while [ "$w" -le "$workers" ]; do
  start_worker "$w"
  w=$((w + 1))
done
while :; do
  look
  [ -z "$stop_reason" ] || break
  if workers_ended; then
    drain_notes
    derive
    break
  fi
  pause
done
if [ -n "$stop_reason" ]; then
  event run.stopping "\"reason\":\"$stop_reason\""
  stop_units
  for path in steps/save-*; do [ -f "$path" ] && run_step "$path"; done
  reason=$stop_reason
  exit "$exit_code"
fi
wait
count_in failed
n_failed=$counted
count_in queue
if [ $((n_failed + counted)) -gt 0 ]; then
  reason=units-failed exit_code=1
  exit "$exit_code"
fi
if ! artifacts_there before; then
  reason=artifacts-missing exit_code=4
  exit "$exit_code"
fi
for path in steps/[0-9]*; do
  [ -f "$path" ] || continue
  run_step "$path"
  if [ -n "$stop_reason" ]; then
    reason=$stop_reason
    exit "$exit_code"
  fi
  if [ "$code" != 0 ]; then
    reason=after-failed exit_code=2
    exit "$exit_code"
  fi
done
derive
if ! artifacts_there all; then
  reason=artifacts-missing exit_code=4
  exit "$exit_code"
fi
reason=completed exit_code=0
exit 0
