# ==== time: the lease is a length of time, not a time of day =========================================================
# uptime_ms: sets up_ms to the milliseconds since boot, sleep included; empty where the system does not say.
uptime_ms() {
  up_ms=
  read -r up _ 2>/dev/null </proc/uptime || return 0
  case $up in
    *.[0-9][0-9]) up_ms=$((${up%.*} * 1000 + (1${up#*.} - 100) * 10)) ;;
    *[!0-9]* | '') ;;
    *) up_ms=$((up * 1000)) ;;
  esac
}

# count_time: adds what has passed since the last call to spent_ms, the time since the lease began. Within one boot the
# clock of the day has no say. Over a reboot it is the time of day, and at least the time since that boot: neither a
# clock that was set back nor a reboot makes a lease longer.
count_time() {
  uptime_ms
  now_ms
  if [ -n "$up_ms" ] && [ "$clock_boot" = "$boot_id" ] && [ "$up_ms" -ge "$clock_up" ]; then
    step_ms=$((up_ms - clock_up))
  else
    step_ms=$((now - clock_wall))
    if [ "$step_ms" -lt 0 ]; then step_ms=0; fi
    if [ -n "$up_ms" ] && [ "$clock_boot" != - ] && [ "$step_ms" -lt "$up_ms" ]; then step_ms=$up_ms; fi
  fi
  spent_ms=$((spent_ms + step_ms))
  clock_boot=$boot_id clock_up=${up_ms:-0} clock_wall=$now
}

# A guard that comes after another one of the same launch goes on counting where that one stopped.
begin_time() {
  spent_ms=0 clock_boot=- clock_up=0 clock_wall=0
  if read -r t spent boot up wall 2>/dev/null <guard/clock && [ "$t" = "$token" ]; then
    case $spent$up$wall in
      '' | *[!0-9]*) ;;
      *) spent_ms=$spent clock_boot=$boot clock_up=$up clock_wall=$wall ;;
    esac
  fi
  if [ "$clock_boot" = - ]; then now_ms && clock_wall=$now; fi
  count_time
}

# put_loose <path> <text>: whole or not at all; not forced to the disk, because it is written again and again.
put_loose() { printf '%s\n' "$2" >"$1.tmp-$me" && mv -f "$1.tmp-$me" "$1"; }

# take_lease: a longer lease that kx has written. Only for this launch, only with a higher number, and never a shorter one.
take_lease() {
  read -r t n s _ 2>/dev/null <lease || return 0
  [ "$t" = "$token" ] || return 0
  case $n$s in '' | *[!0-9]*) return 0 ;; esac
  [ "$n" -gt "$lease_number" ] && [ "$s" -ge "$lease_seconds" ] || return 0
  lease_number=$n lease_seconds=$s came_ms=$spent_ms
  event lease.taken "\"number\":$n,\"seconds\":$s"
}

# Somebody did something here: kx writes another text into this file.
take_visit() {
  text=
  IFS= read -r text 2>/dev/null <guard/visited || :
  [ "$text" != "$visited" ] || return 0
  visited=$text came_ms=$spent_ms visit_ms=$spent_ms
}
