# ==== small tools: clock, processes, whole files =====================================================================
now_ms() {
  now=$(date +%s%3N)
  case $now in *[!0-9]*) now=$(date +%s)000 ;; esac
}

# Main process only. Sets now, and steady: milliseconds since its start. The clock may be set, and the machine may sleep: a
# step back, or one far ahead, counts for nothing, so that neither ends a unit before its time.
steady=0 steady_at=''
longest_ms=$((heartbeat_seconds * 4000 + 30000))
now_steady() {
  now_ms
  step_ms=$((now - ${steady_at:-$now}))
  steady_at=$now
  if [ "$step_ms" -gt 0 ] && [ "$step_ms" -le "$longest_ms" ]; then steady=$((steady + step_ms)); fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# Sets ticks to the start time of a process (field 22 of its stat); fails when it is gone or a zombie.
ticks_of() {
  ticks=0
  if [ ! -r /proc/self/stat ]; then
    kill -0 "$1" 2>/dev/null
    return
  fi
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  fields=${stat##*) }
  # shellcheck disable=SC2086
  set -- $fields
  ticks=${20:-0}
  [ "$1" != Z ] && [ "$1" != X ]
}

# pid, start time, boot id: all three, because a pid is given out again.
is_alive() { [ "$3" = "$boot_id" ] && ticks_of "$1" && [ "$ticks" = "$2" ]; }

sync_file() { [ "$can_sync" = 0 ] || sync "$1" 2>/dev/null || :; }

# put <path> <text>: whole or not at all.
put() {
  printf '%s\n' "$2" >"$1.tmp-$me" && sync_file "$1.tmp-$me" && mv -f "$1.tmp-$me" "$1"
}

count_in() {
  counted=0
  for entry_path in "$1"/*; do [ -e "$entry_path" ] && counted=$((counted + 1)); done
}

pause() { sleep "$poll_seconds"; }
