# Ends the guard of a run's folder, waits until it is gone, and takes secrets of the run off the machine. Exit 0 none is alive, 1 it is still there.
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
if IFS= read -r dir 2>/dev/null <secrets.path; then
  # Only what a launch of this user has made.
  case $dir in
    */kx-"$(id -u)"-*) [ -h "$dir" ] || { rm -f -- "$dir/values" "$dir/values.tmp" && rmdir -- "$dir" 2>/dev/null; } ;;
  esac
fi
exit 0
