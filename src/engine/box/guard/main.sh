# ==== the guard ======================================================================================================
boot_id=none
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot_id </proc/sys/kernel/random/boot_id
main_pid=$$
me_pid=$$
me=guard-$me_pid
ticks_of "$me_pid" || :
me_ticks=$ticks
can_sync=0
case $(sync --version 2>/dev/null) in *coreutils*) can_sync=1 ;; esac
step_seconds=0.2
sleep 0.01 2>/dev/null || step_seconds=1
case $lease_seconds in '' | *[!0-9]*) exit 66 ;; esac

mkdir -p guard
# One a launch.
if read -r p t b k _ 2>/dev/null <guard/now && [ "$k" = "$token" ] && [ "$p" != "$me_pid" ] && is_alive "$p" "$t" "$b"; then exit 75; fi
run_state=starting state_ms=0 came_ms=0 visit_ms=- progress_ms=0 last_mark='' held='' acted='' alarm='' tried_ms=- parks=0 latched='' latched_ms=0
told=0
[ ! -f guard/events.jsonl ] || told=$(wc -l <guard/events.jsonl)
visited=
IFS= read -r visited 2>/dev/null <guard/visited || :
begin_time
state_ms=$spent_ms came_ms=$spent_ms progress_ms=$spent_ms
rm -f guard/alarm
event armed "\"seconds\":$lease_seconds,\"pid\":$me_pid"
say_self
# Whatever ends it: nobody after it needs them, but for another launch, which has its own, and a run that goes on.
leave() {
  trap - EXIT
  if ! grep -qxF "token=$token" plan.env 2>/dev/null || ! runner_lives; then forget_secrets; fi
  exit "$1"
}
trap 'leave 0' EXIT
trap 'leave 143' TERM INT HUP
while :; do
  # The folder was removed, or belongs to another launch now.
  [ -d steps ] || [ -f plan.env ] || exit 0
  grep -qxF "token=$token" plan.env 2>/dev/null || exit 0
  # The launch was given up: nothing of it runs, and its meter is not kx's doing.
  if read -r t 2>/dev/null <given-up && [ "$t" = "$token" ]; then exit 0; fi
  count_time
  take_lease
  take_visit
  look_run
  due
  if [ -n "$why" ]; then act
  elif [ -n "$alarm" ]; then
    event cleared ''
    alarm='' held='' tried_ms=-
    rm -f guard/alarm
  else held='' tried_ms=-; fi
  say_self
  # Where nobody bills, a run that is over needs no guard.
  case $has_meter:$run_state in 0:finished | 0:dead) [ $((spent_ms - state_ms)) -lt 5000 ] || break ;; esac
  # Waited for, so that a signal is obeyed at once.
  sleep "$guard_poll_seconds" &
  wait "$!"
done
event dismissed "\"why\":\"$run_state\""
