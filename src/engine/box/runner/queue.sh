# ==== the queue: one file a unit, moved between folders ==============================================================
# Puts entries whose unit has ended under what its exit file says. Used where a worker died between exit file and rename.
sort_claims() {
  for path in queue/* claimed/*; do
    [ -f "$path" ] || continue
    entry=${path##*/}
    exit_file=units/${entry#*-}/exit
    [ -f "$exit_file" ] || continue
    if grep -q '^state=done$' "$exit_file"; then mv -f "$path" "done/$entry"; fi
  done
}

# The first runner of a folder. units.list: "= <entry>" begins a unit, the lines below it are its queue file.
fill_queue() {
  [ ! -e control/queued ] || return 0
  entry=
  while IFS= read -r line; do
    case $line in
      '= '*)
        [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
        entry=${line#= }
        : >"queue/.$entry"
        ;;
      *) printf '%s\n' "${line#?}" >>"queue/.$entry" ;;
    esac
  done <units.list
  [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
  : >control/queued
}

# Finished stays finished. What failed, was aborted or was in the middle goes back into the queue.
queue_again() {
  for path in claimed/* failed/*; do [ -f "$path" ] && mv -f "$path" "queue/${path##*/}"; done
  sort_claims
  for path in queue/*; do
    path=units/${path#*-}
    [ -f "$path/exit" ] && IFS= read -r n <"$path/attempts" && mv -f "$path/exit" "$path/exit.$n"
  done
  if [ "$need_result" = 1 ]; then
    for path in "done"/*; do
      [ -f "$path" ] || continue
      unit=${path##*/}
      [ -f "units/${unit#*-}/result.json" ] || mv -f "$path" "queue/${path##*/}"
    done
  fi
}
