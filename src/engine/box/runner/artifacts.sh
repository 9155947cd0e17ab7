# ==== artifacts: are they there in their number ======================================================================
# artifacts_there <before|all>: every artifact in its minimum number. Before the steps only those that units make.
artifacts_there() {
  missing=
  [ -f artifacts.list ] || return 0
  while IFS=' ' read -r minimum least how pattern; do
    case $1:$pattern in before:units/*) ;; before:*) continue ;; esac
    matched=0
    if [ "$how" = loose ]; then
      # An empty file counts where no bytes are asked for.
      if [ "$least" = 0 ]; then matched=$(find . -type f -path "./$pattern" | wc -l)
      else matched=$(find . -type f -size "+$((least - 1))c" -path "./$pattern" | wc -l); fi
    else
      IFS=
      # shellcheck disable=SC2086
      for path in $pattern; do
        [ -f "$path" ] || continue
        if [ "$least" -le 1 ]; then [ "$least" = 0 ] || [ -s "$path" ] || continue
        else [ "$(wc -c <"$path")" -ge "$least" ] || continue; fi
        matched=$((matched + 1))
      done
      unset IFS
    fi
    if [ "$matched" -lt "$minimum" ]; then missing="$missing $matched/$minimum:$pattern"; fi
  done <artifacts.list
  [ -z "$missing" ] || { printf 'kx: artifacts missing:%s\n' "$missing"; return 1; }
}
