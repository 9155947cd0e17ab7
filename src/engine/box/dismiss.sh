# Ends the guard of a run's folder and waits until it is gone. Exit 0 none is alive, 1 it is still there.
# Arguments: folder.
set -u
cd -- "$1" 2>/dev/null || exit 0
tries=0
while read -r p t b _ 2>/dev/null <guard/now && is_alive "$p" "$t" "$b"; do
  [ "$tries" -lt 50 ] || exit 1
  [ "$tries" != 0 ] || kill "$p" 2>/dev/null
  [ "$tries" != 25 ] || kill -KILL "$p" 2>/dev/null
  tries=$((tries + 1))
  sleep 0.1 2>/dev/null || sleep 1
done
exit 0
