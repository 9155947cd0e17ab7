# ==== the last thing that a run says =================================================================================
# The last thing that this run says, however it ends (kill -9 apart).
finish() {
  trap '' TERM INT HUP
  stop_reason=${stop_reason:-none}
  drain_notes
  derive
  count_in "done"
  n_done=$counted
  count_in failed
  n_failed=$counted
  n_aborted=0
  for path in queue/*; do
    [ -f "$path" ] || continue
    path=${path##*/}
    [ -f "units/${path#*-}/exit" ] && grep -q '^state=aborted$' "units/${path#*-}/exit" && n_aborted=$((n_aborted + 1))
  done
  event run.ended "\"reason\":\"$reason\",\"code\":$exit_code"
  guard_saves || forget_secrets
  now_ms
  put exit.json "{\"code\":$exit_code,\"reason\":\"$reason\",\"endedAtMs\":$now,\"units\":{\"done\":$n_done,\"failed\":$n_failed,\"aborted\":$n_aborted},\"attempt\":$attempt}"
}
