import { shellKit } from './ask.ts'

/**
 * Starts a program of the plan beside the run, as the runner starts one, in a folder of its own. Secrets are not handed over.
 * `find_entry <unit>` gives the queue file; `words_of <file>` leaves the words behind its first two lines in place; whatever is
 * started here is ended by `over`, also when this shell is.
 */
export const drillKit = `${shellKit}
umask 077
child= watch=
over() {
  [ -z "$child" ] || kill -KILL "-$child" 2>/dev/null
  [ -z "$watch" ] || kill -KILL "-$watch" 2>/dev/null
}
trap over EXIT
trap 'exit 143' TERM INT HUP
has setsid || { echo 'there is no setsid here: a drill could not be ended for certain' >&2; exit 69; }
find_entry() {
  for f in done/*-"$1" failed/*-"$1" queue/*-"$1" claimed/*-"$1"; do
    [ -f "$f" ] || continue
    entry=$f f=\${f##*/}
    [ "\${f#*-}" = "$1" ] && return 0
  done
  return 1
}
# begin <log> <seconds> <NAME=value or program> ...: in code/, with the environment of the plan; sets child.
begin() {
  log=$1 limit=$2
  shift 2
  for f in "$folder"/env/*; do
    [ -f "$f" ] || continue
    value=$(cat "$f" && printf x)
    set -- "\${f##*/}=\${value%x}" "$@"
  done
  ( cd "$folder/code" && exec setsid env "$@" ) >>"$log" 2>&1 </dev/null &
  child=$!
  [ -z "$watch" ] || kill -KILL "-$watch" 2>/dev/null
  # Should this shell be killed outright, nothing of the drill outlives its time.
  # shellcheck disable=SC2016
  setsid sh -c 'sleep "$1"; kill -KILL "-$2"' sh "$limit" "$child" </dev/null >/dev/null 2>&1 &
  watch=$!
}
# A child that has ended and was not waited for yet is none that lives.
lives() { ticks_of "$child"; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
now_s() { date +%s; }
`
