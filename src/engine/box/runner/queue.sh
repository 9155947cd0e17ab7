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

# Queues what units.list names and no folder has yet: all of it for the first runner, what was added since for a later one.
# units.list: "= <entry>" begins a unit, the lines below it are its queue file.
fill_queue() {
  entry=
  while IFS= read -r line; do
    case $line in
      '= '*)
        [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
        entry=${line#= }
        if [ -e "queue/$entry" ] || [ -e "claimed/$entry" ] || [ -e "done/$entry" ] || [ -e "failed/$entry" ]; then entry=
        else : >"queue/.$entry"; fi
        ;;
      *) [ -z "$entry" ] || printf '%s\n' "${line#?}" >>"queue/.$entry" ;;
    esac
  done <units.list
  [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
}

all_named_done() {
  sed -n 's/^= //p' units.list | while IFS= read -r entry; do [ -e "done/$entry" ] || exit 1; done
}

# What units.list does not name any more was given to another machine: it is put aside, and what was made of it stays.
put_given_aside() {
  for path in queue/* claimed/* failed/*; do [ -f "$path" ] && printf '%s\n' "$path"; done | LC_ALL=C awk '
    part == 1 { if (sub(/^= /, "")) named[$0] = 1; next }
    { entry = $0; sub(/^[^\/]*\//, "", entry); if (!(entry in named)) print }
  ' part=1 units.list part=2 - | while IFS= read -r path; do
    mkdir -p given
    mv -f "$path" "given/${path##*/}"
  done
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
