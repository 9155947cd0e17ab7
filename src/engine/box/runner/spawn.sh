# ==== a program of the plan: started in a group of its own, and signalled ============================================
# become [NAME=value...] program [argument...]: replaces the subshell by the program, in a session of its own.
# Variables go through env(1), so that a name of the plan's cannot touch a variable of this script; the plan's come
# first, so that they cannot replace what the contract sets.
become() {
  cd code || exit 126
  if [ -n "$secrets_file" ]; then hand_over "$@"; return; fi
  become_plain "$@"
}

# The last shell before the program exports the secrets: neither an argument nor the environment of anything that stands
# before it, setsid and env included, ever holds one. $1: the file; then the program.
# shellcheck disable=SC2016
loader='exec 3<"$1" || exit 126
shift
while IFS= read -r kx_line <&3; do
  kx_value=$(printf "%bx" "${kx_line#*=}")
  export "${kx_line%%=*}=${kx_value%x}"
done
exec 3<&-
unset kx_line kx_value
exec "$@"'

# hand_over [NAME=value...] program [argument...]: the loader between the variables and the program.
hand_over() {
  left=$#
  is_program=0
  while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $is_program:$word in
      0:[A-Za-z_]*=*) ;;
      0:*) is_program=1 && set -- "$@" sh -c "$loader" sh "$secrets_file" ;;
    esac
    set -- "$@" "$word"
  done
  become_plain "$@"
}

become_plain() {
  if [ -n "$threads" ]; then
    set -- OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads" \
      NUMEXPR_NUM_THREADS="$threads" VECLIB_MAXIMUM_THREADS="$threads" RAYON_NUM_THREADS="$threads" "$@"
  fi
  set -- KX_CONTRACT=1 KX_RUN_ID="$run_id" KX_RUN_DIR="$folder" KX_SMOKE=0 PYTHONUNBUFFERED=1 "$@"
  for path in "$folder"/env/*; do
    [ -f "$path" ] || continue
    value=$(cat "$path" && printf x)
    set -- "${path##*/}=${value%x}" "$@"
  done
  set -- env "$@"
  if has stdbuf; then set -- stdbuf -oL -eL "$@"; fi
  if has setsid; then set -- setsid "$@"; fi
  exec "$@"
}

# signal_unit <signal> <pid>: the whole group; the process alone where there is no setsid to make groups with.
# No "--" and no "-s": dash and busybox disagree about both.
signal_unit() { kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null || :; }

end_group() { kill -KILL "-$1" 2>/dev/null || :; }

# forget_secrets: what units were handed is taken off the machine.
forget_secrets() {
  [ -n "$secrets_file" ] || return 0
  rm -f "$secrets_file" "$secrets_file.tmp"
  rmdir "${secrets_file%/values}" 2>/dev/null || :
}

# Whether the guard may still need them: its save hook runs when the run is over, too.
guard_saves() {
  [ "$guard$has_meter" = 11 ] || return 1
  for save_file in steps/save-*; do [ -f "$save_file" ] && return 0; done
  return 1
}
