# ==== one look of the main process, again and again while units or a step run ========================================
# heartbeat: now, process, when units were last seen to get on, and for how many seconds they have not: a runner that lives
# beside units that hang says so. Progress is counted by steady, so that a clock that is set moves nothing.
beat() {
  now_steady
  progress_mark
  if [ "$mark" != "$last_mark" ]; then
    last_mark=$mark
    idle_since=$steady progress_at=$now
  fi
  put heartbeat "$now $main_pid $progress_at $(((steady - idle_since) / 1000))"
  elapsed=$((elapsed_before + steady / 1000))
  put elapsed "$elapsed"
  abort_by_time
}

# Called every poll, while units or a step run. beat_every and scan_every count polls.
look() {
  polls=$((polls + 1))
  drain_notes
  [ "$changed" = 0 ] || derive
  [ -z "$asked" ] || stop_because stopped 14
  if [ -e stop ]; then stop_because stopped 14; fi
  if [ "$abort_nan" = 1 ] && [ $((polls % scan_every)) = 0 ]; then nan_in_metrics; fi
  if [ $((polls % beat_every)) = 0 ]; then
    beat
    replace_lost_workers
  fi
}
