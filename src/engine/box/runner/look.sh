# ==== one look of the main process, again and again while units or a step run ========================================
beat() {
  now_steady
  put heartbeat "$now $main_pid"
  elapsed=$((elapsed_before + steady / 1000))
  put elapsed "$elapsed"
  abort_by_time
  if [ -n "$lease_until_ms" ] && [ "$lease_said" = 0 ] && [ "$now" -gt "$lease_until_ms" ]; then
    lease_said=1
    event lease.over ''
  fi
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
