# ==== what happened: workers leave notes, the main process alone appends to events.jsonl =============================
# Main process only.
event() {
  now_ms
  printf '{"atMs":%s,"event":"%s","attempt":%s%s}\n' "$now" "$1" "$attempt" "${2:+,$2}" >>events.jsonl
}

# Worker: leaves a line for the main process, which is the only one to append to events.jsonl.
note() {
  now_ms
  notes=$((notes + 1))
  record=$(printf '{"atMs":%s,"event":"%s","unit":"%s","worker":%s,%s}' "$now" "$1" "$unit" "$worker" "$2")
  printf '%s\n' "$record" >>"$dir/events.jsonl"
  put "notes/$now-$worker-$notes" "$record"
}

drain_notes() {
  for path in notes/*; do
    case $path in *.tmp-*) continue ;; esac
    [ -f "$path" ] || continue
    cat "$path" >>events.jsonl && rm -f "$path"
    changed=1
  done
}
