# One bounded look at a run's folder: prints one fact a line, a letter or word first. Writes nothing.
# Arguments: folder.
set -u
cd -- "$1" 2>/dev/null || { echo 'missing'; exit 0; }
facts() {
  now=$(date +%s%3N)
  case $now in *[!0-9]*) now=$(date +%s)000 ;; esac
  echo "now $now"
  echo "boot $boot"

  if [ -f starting ] && read -r token <starting; then
    echo "starting $token"
    if [ -f starter ] && read -r p t b k <starter && [ "$k" = "$token" ]; then
      if is_alive "$p" "$t" "$b"; then echo 'starter 1'; else echo 'starter 0'; fi
    fi
  fi
  if [ -f runner.pid ] && read -r p t b k <runner.pid; then
    echo "runner $p $t $b $k"
    if is_alive "$p" "$t" "$b"; then echo 'alive 1'; else echo 'alive 0'; fi
  fi
  [ -f heartbeat ] && read -r line <heartbeat && echo "heartbeat $line"
  if [ -f guard/now ] && read -r p t b line <guard/now; then
    if is_alive "$p" "$t" "$b"; then echo "guard 1 $line"; else echo "guard 0 $line"; fi
    [ -f guard/alarm ] && IFS= read -r line <guard/alarm && echo "alarm $line"
    [ -f guard/events.jsonl ] && tail -c 65536 guard/events.jsonl | tail -n 50 | sed 's/^/act /'
  fi
  [ -f attempt ] && read -r line <attempt && echo "attempt $line"
  [ -f stop ] && IFS= read -r line <stop && echo "stop $line"
  [ -f checkpoint.json ] && { printf 'checkpoint ' && head -c 4194304 checkpoint.json | sed 's/,"results":.*//'; echo; }
  for place in queue claimed "done" failed; do
    for path in "$place"/*; do [ -e "$path" ] && echo "entry $place ${path##*/}"; done
  done
}
# In one piece: whoever listens is woken once, and a link carries one packet.
facts=$(facts)
printf '%s\n' "$facts"
[ -d units ] || { echo 'end'; exit 0; }
find units -mindepth 2 -maxdepth 2 -name exit -type f -exec cat {} + 2>/dev/null | sed 's/^/x /'
find units -mindepth 2 -maxdepth 2 -type f \( -name log -o -name metrics.jsonl -o -name result.json \) -exec stat -c 's %s %Y %n' {} + 2>/dev/null
for path in claimed/*; do
  [ -e "$path" ] || continue
  unit=${path##*/}
  unit=${unit#*-}
  if [ -f "units/$unit/pid" ] && read -r p t b rest <"units/$unit/pid"; then
    if is_alive "$p" "$t" "$b"; then up=1; else up=0; fi
    echo "pid $unit $up $p $t $b $rest"
  fi
  [ -f "units/$unit/metrics.jsonl" ] && tail -c 65536 "units/$unit/metrics.jsonl" | LC_ALL=C awk -v unit="$unit" '
    /:[ \t]*"?[-+]?(NaN|nan|Infinity|inf)"?[ \t]*[,}]/ { nan++ }
    /}[ \t\r]*$/ && length($0) <= 16384 { last = $0 }
    END { printf "nan %s %d\n", unit, nan; if (last != "") printf "metrics %s %s\n", unit, last }'
  stat -c 's %s %Y %n' "units/$unit"/checkpoints/* 2>/dev/null
done
# Last of all, so that a run which ends during this look is not seen as ended with its last units unseen.
[ -f exit.json ] && { printf 'exit ' && head -c 65536 exit.json; echo; }
echo 'end'
exit 0
