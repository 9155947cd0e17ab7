# ==== checkpoint.json, derived from the exit files of the units ======================================================
# Also counts what the abort rules need to know: units done, with NaN, with metric, and the mean of the metric.
derive() {
  changed=0
  now_ms
  find units -mindepth 2 -maxdepth 2 -name exit -exec cat {} + | LC_ALL=C awk -v out="checkpoint.json.tmp-$me" -v run="$run_id" -v now="$now" '
    function flush() {
      if (unit != "" && state == "done") {
        list = list (done ? "," : "") "\"" unit "\""; results = results (done ? "," : "") "\"" unit "\":" numbers; done++
        if (metric != "") { n++; sum += metric }
      }
      if (unit != "" && nan == 1) nans++
      unit = ""; state = ""; nan = 0; metric = ""; numbers = "{}"
    }
    /^unit=/ { flush(); unit = substr($0, 6); next }
    /^state=/ { state = substr($0, 7) }
    /^nan=/ { nan = substr($0, 5) }
    /^metric=/ { metric = substr($0, 8) }
    /^results=/ { numbers = substr($0, 9) }
    END {
      flush()
      printf "{\"version\":1,\"runId\":\"%s\",\"atMs\":%s,\"completed\":[%s],\"results\":{%s}}\n", run, now, list, results > out
      printf "%d %d %d %.12g\n", done, nans, n, (n ? sum / n : 0)
    }' >control/derived && sync_file "checkpoint.json.tmp-$me" && mv -f "checkpoint.json.tmp-$me" checkpoint.json
  read -r n_done n_nan n_metric mean_metric <control/derived || return
  abort_by_results
}
