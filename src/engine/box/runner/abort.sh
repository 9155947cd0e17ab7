# ==== abort rules: when the run stops by itself ======================================================================
# First reason wins.
stop_because() {
  [ -n "$stop_reason" ] && return
  stop_reason=$1 exit_code=$2
}

# After every unit: NaN in one, or a mean no better than chance.
abort_by_results() {
  if [ "$abort_nan" = 1 ] && [ "$n_nan" -gt 0 ]; then stop_because abort-nan 10; fi
  if [ -n "$chance_after" ] && [ "$n_metric" -ge "$chance_after" ]; then
    if awk -v m="$mean_metric" -v c="$chance_value" -v d="$chance_direction" 'BEGIN { exit !(d == "lower" ? m >= c : m <= c) }'; then
      stop_because abort-chance 11
    fi
  fi
}

# With every heartbeat: too long in all, or nothing written for too long. Needs elapsed, steady and idle_since.
abort_by_time() {
  if [ -n "$wall_seconds" ] && [ "$elapsed" -ge "$wall_seconds" ]; then stop_because abort-time 12; fi
  [ -n "$idle_seconds" ] || return 0
  if [ $((steady - idle_since)) -ge $((idle_seconds * 1000)) ]; then stop_because abort-idle 13; fi
}

# While units run.
nan_in_metrics() {
  for path in claimed/*; do
    [ -f "$path" ] || continue
    path=${path##*/}
    metrics=units/${path#*-}/metrics.jsonl
    [ -f "$metrics" ] || continue
    if tail -c 65536 "$metrics" | nan_line; then
      event abort.nan "\"unit\":\"${path#*-}\""
      stop_because abort-nan 10
      return
    fi
  done
}
