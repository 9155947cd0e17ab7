# Starts a runner so that it outlives this shell, the terminal and the login, and says how it can be found again.
# Arguments: folder, runner file name, token, seconds to wait, guard file name or -, ways to detach in order of preference.
# The guard of the lease is armed first and read back: without it nothing is started. Runner -: the guard alone.
set -u
umask 077
folder=$1 runner=$2 token=$3 patience=$4 guard=$5
shift 5
cd -- "$folder" || exit 66
own_ticks() {
  ticks=0
  IFS= read -r stat 2>/dev/null <"/proc/$$/stat" || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  ticks=${20:-0}
}
label=$(printf '%s' "$token" | tr -c 'A-Za-z0-9_-' '-')
# Whoever listens may be gone: what was begun is ended all the same. A trap, so that what is started has none.
trap : PIPE HUP
if [ "$runner" != - ]; then
  [ -e stop ] && mv -f stop stop.old
  # Who starts: as long as this process lives, a runner may still come of it.
  own_ticks
  printf '%s %s %s %s\n' "$$" "$ticks" "$boot" "$token" >starter.tmp && mv -f starter.tmp starter
  printf '%s\n' "$token" >starting.tmp && mv -f starting.tmp starting
fi

started() {
  tries=0
  while [ "$tries" -lt $((patience * 10)) ]; do
    if [ -f runner.pid ] && read -r p t b k <runner.pid; then
      if [ "$k" = "$token" ]; then
        printf '%s %s %s\n' "$1" "${2:--}" "$token" >detach.tmp && mv -f detach.tmp detach
        printf 'detach=%s\nlabel=%s\nprocess=%s %s %s\n' "$1" "$2" "$p" "$t" "$b"
        exit 0
      fi
    fi
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
  return 1
}

armed() {
  tries=0
  while [ "$tries" -lt $((patience * 10)) ]; do
    # What a guard of before left lies there too: only one that lives counts.
    if read -r p t b k _ 2>/dev/null <guard/now && [ "$k" = "$token" ] && is_alive "$p" "$t" "$b"; then
      printf 'guard=%s %s %s\n' "$p" "$t" "$b"
      return 0
    fi
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
  echo 'the guard of the lease did not say that it is armed' >&2
  return 1
}

# detached <name> <script>: by the way in $way, without waiting for it.
detached() {
  case $way in
    systemd) setsid systemd-run "$scope" --scope --quiet --collect --unit="$1" sh "$folder/$2" "$folder" </dev/null >/dev/null 2>&1 & ;;
    tmux)
      # A server of its own: nobody's kill-server or configuration reaches it.
      # The outer sh holds the pane's terminal open: tmux ends a pane as soon as nobody has it open any more.
      # It also takes the server's socket away, which tmux would leave behind.
      # shellcheck disable=SC2016
      env -u TMUX tmux -L "$1" -f /dev/null new-session -d -s "$1" \
        sh -c 'sh "$1" "$2"; rm -f -- "${TMUX%%,*}"' sh "$folder/$2" "$folder" </dev/null >/dev/null 2>&1
      ;;
    *)
      if command -v setsid >/dev/null 2>&1; then setsid sh "$folder/$2" "$folder" </dev/null >/dev/null 2>&1 &
      else nohup sh "$folder/$2" "$folder" </dev/null >/dev/null 2>&1 & fi
      ;;
  esac
}

# A user's own systemd ends with the last login unless it lingers: then it would not outlive anything.
systemd_scope() {
  command -v systemd-run >/dev/null 2>&1 && [ -d /run/systemd/system ] || return 1
  if [ "$(id -u)" = 0 ]; then scope=--system
  else
    [ "$(loginctl show-user "$(id -un)" -p Linger --value 2>/dev/null)" = yes ] || return 1
    scope=--user
  fi
  timeout 5 systemd-run "$scope" --scope --quiet --collect true </dev/null >/dev/null 2>&1 || return 1
}

is_armed=0 has_way=0
[ "$guard" != - ] || is_armed=1
for way in "$@"; do
  case $way in
    systemd) systemd_scope || continue ;;
    tmux) command -v tmux >/dev/null 2>&1 || continue ;;
    setsid) ;;
    *) continue ;;
  esac
  has_way=1
  if [ "$is_armed" = 0 ]; then
    detached "$label-guard" "$guard" && armed || continue
    is_armed=1
  fi
  [ "$runner" != - ] || exit 0
  detached "$label" "$runner" || continue
  case $way in
    systemd) started systemd "$label.scope" ;;
    tmux) started tmux "$label" ;;
    setsid) started setsid '' ;;
  esac
done
if [ "$runner" = - ]; then
  echo "the guard of the lease could not be armed: $*" >&2
  exit 1
fi
# Given up for good: a runner that comes late sees this after it has written runner.pid and leaves, and one that was in
# time is seen here. So it is certain afterwards, and the next launch need not wait for anybody.
mv -f starting given-up
if [ -f runner.pid ] && read -r p t b k <runner.pid && [ "$k" = "$token" ]; then started setsid ''; fi
if [ "$has_way$is_armed" = 10 ]; then echo "nothing was started, because the guard of the lease could not be armed: $*" >&2
else echo "no way to detach worked: $*" >&2; fi
[ -f runner.pid ] && { printf 'runner.pid holds: ' && cat runner.pid; } >&2
[ -f runner.log ] && tail -n 5 runner.log >&2
exit 1
