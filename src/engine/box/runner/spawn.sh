# ==== a program of the plan: started in a group of its own, and signalled ============================================
# become [NAME=value...] program [argument...]: replaces the subshell by the program, in a session of its own.
# Variables go through env(1), so that a name of the plan's cannot touch a variable of this script; the plan's come
# first, so that they cannot replace what the contract sets.
become() {
  cd code || exit 126
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
  if has setsid; then exec setsid "$@"; fi
  exec "$@"
}

# signal_unit <signal> <pid>: the whole group; the process alone where there is no setsid to make groups with.
# No "--" and no "-s": dash and busybox disagree about both.
signal_unit() { kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null || :; }

end_group() { kill -KILL "-$1" 2>/dev/null || :; }
