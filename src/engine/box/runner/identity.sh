# ==== one runner a folder, and the number of its attempt =============================================================
boot_id=none
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot_id </proc/sys/kernel/random/boot_id
# In a pipeline or subshell $$ stays that of the main process, which is what is meant.
main_pid=$$
me=$main_pid
ticks_of "$main_pid" || :
main_ticks=$ticks
can_sync=0
case $(sync --version 2>/dev/null) in *coreutils*) can_sync=1 ;; esac
sleep 0.01 2>/dev/null || poll_seconds=1

# A completed run stays so, unless units.list names more by now: another machine has given some back.
if [ -f exit.json ] && grep -q '"reason":"completed"' exit.json && all_named_done; then exit 0; fi
# Before anybody can know this process: whoever reads runner.pid may ask it to stop.
asked=''
trap 'asked=TERM' TERM
trap 'asked=INT' INT
trap '' HUP
printf '%s %s %s %s\n' "$main_pid" "$main_ticks" "$boot_id" "$token" >"runner.pid.$main_pid"
if ! ln "runner.pid.$main_pid" runner.pid 2>/dev/null; then
  # Another runner lives here, or lived here. A dead one's file is moved aside by exactly one of those who find it.
  read -r p t b _ <runner.pid || :
  if is_alive "${p:-0}" "${t:-0}" "${b:-none}"; then rm -f "runner.pid.$main_pid"; exit 75; fi
  mv runner.pid "runner.old.$main_pid" 2>/dev/null
  read -r p2 t2 _ <"runner.old.$main_pid" || :
  if [ "${p2:-} ${t2:-}" != "${p:-} ${t:-}" ]; then mv "runner.old.$main_pid" runner.pid; rm -f "runner.pid.$main_pid"; exit 75; fi
  ln "runner.pid.$main_pid" runner.pid 2>/dev/null || { rm -f "runner.pid.$main_pid"; exit 75; }
fi
rm -f "runner.pid.$main_pid" runner.old.*
# Whoever started this one has given it up, and said so; another may be on its way.
if [ -f given-up ] && read -r t <given-up && [ "$t" = "$token" ]; then rm -f runner.pid; exit 75; fi

attempt=0
[ -f attempt ] && IFS= read -r attempt <attempt
case $attempt in '' | *[!0-9]*) attempt=0 ;; esac
[ -f exit.json ] && mv -f exit.json "exit.$attempt.json"
attempt=$((attempt + 1))
put attempt "$attempt"
