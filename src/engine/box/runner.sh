#!/bin/sh
# kx box runner. Keeps the units of one run going on one machine, with kx gone.
#
#   sh runner-<digest>.sh <folder of the run>
#
# POSIX sh; works in dash, bash and busybox ash. Reads flat files that kx wrote beforehand (plan.env, units.list, env/,
# steps/, artifacts.list) and never runs text as code: no eval, no JSON parser, arguments come from files line by line.
# The main process is the only writer of events.jsonl, checkpoint.json, heartbeat and exit.json; workers are its children.
set -u
umask 077
cd -- "${1:?folder of the run}" || exit 66
folder=$(pwd -P)
exec </dev/null >>runner.log 2>&1

# ---- settings -------------------------------------------------------------------------------------------------------
run_id='' token='' workers=1 threads='' gpus='' need_result=1 sequential=0 abort_nan=0
chance_after='' chance_metric='' chance_value='' chance_direction=higher wall_seconds='' idle_seconds=''
grace_seconds=20 heartbeat_seconds=5 poll_seconds=0.5 lease_until_ms=''
while IFS= read -r line; do
  value=${line#*=}
  case $line in
    run_id=*) run_id=$value ;;
    token=*) token=$value ;;
    workers=*) workers=$value ;;
    threads=*) threads=$value ;;
    gpus=*) gpus=$value ;;
    need_result=*) need_result=$value ;;
    sequential=*) sequential=$value ;;
    abort_nan=*) abort_nan=$value ;;
    chance_after=*) chance_after=$value ;;
    chance_metric=*) chance_metric=$value ;;
    chance_value=*) chance_value=$value ;;
    chance_direction=*) chance_direction=$value ;;
    wall_seconds=*) wall_seconds=$value ;;
    idle_seconds=*) idle_seconds=$value ;;
    grace_seconds=*) grace_seconds=$value ;;
    heartbeat_seconds=*) heartbeat_seconds=$value ;;
    poll_seconds=*) poll_seconds=$value ;;
    lease_until_ms=*) lease_until_ms=$value ;;
  esac
done <plan.env || exit 66
newline='
'

# ---- small tools ----------------------------------------------------------------------------------------------------
now_ms() {
  now=$(date +%s%3N)
  case $now in *[!0-9]*) now=$(date +%s)000 ;; esac
}

# Main process only. Sets now, and steady: milliseconds since its start. The clock may be set, and the machine may sleep: a
# step back, or one far ahead, counts for nothing, so that neither ends a unit before its time.
steady=0 steady_at=''
longest_ms=$((heartbeat_seconds * 4000 + 30000))
now_steady() {
  now_ms
  step_ms=$((now - ${steady_at:-$now}))
  steady_at=$now
  if [ "$step_ms" -gt 0 ] && [ "$step_ms" -le "$longest_ms" ]; then steady=$((steady + step_ms)); fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# Sets ticks to the start time of a process (field 22 of its stat); fails when it is gone or a zombie.
ticks_of() {
  ticks=0
  if [ ! -r /proc/self/stat ]; then
    kill -0 "$1" 2>/dev/null
    return
  fi
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  fields=${stat##*) }
  # shellcheck disable=SC2086
  set -- $fields
  ticks=${20:-0}
  [ "$1" != Z ] && [ "$1" != X ]
}

# pid, start time, boot id: all three, because a pid is given out again.
is_alive() { [ "$3" = "$boot_id" ] && ticks_of "$1" && [ "$ticks" = "$2" ]; }

sync_file() { [ "$can_sync" = 0 ] || sync "$1" 2>/dev/null || :; }

# put <path> <text>: whole or not at all.
put() {
  printf '%s\n' "$2" >"$1.tmp-$me" && sync_file "$1.tmp-$me" && mv -f "$1.tmp-$me" "$1"
}

count_in() {
  counted=0
  for entry_path in "$1"/*; do [ -e "$entry_path" ] && counted=$((counted + 1)); done
}

pause() { sleep "$poll_seconds"; }

# Main process only.
event() {
  now_ms
  printf '{"atMs":%s,"event":"%s","attempt":%s%s}\n' "$now" "$1" "$attempt" "${2:+,$2}" >>events.jsonl
}

# Worker: leaves a line for the main process, which is the only one to append to events.jsonl.
note() {
  now_ms
  notes=$((notes + 1))
  record=$(printf '{"atMs":%s,"event":"%s","unit":"%s","worker":%s,%s}' "$now" "$1" "$unit" "$worker" "$2")
  printf '%s\n' "$record" >>"$dir/events.jsonl"
  put "notes/$now-$worker-$notes" "$record"
}

drain_notes() {
  for path in notes/*; do
    case $path in *.tmp-*) continue ;; esac
    [ -f "$path" ] || continue
    cat "$path" >>events.jsonl && rm -f "$path"
    changed=1
  done
}

# Numbers at the top level of one JSON object, read without a parser that could be fooled into running anything:
# prints nan (0 or 1), the value of one metric, and the numbers as flat JSON.
result_numbers() {
  head -c 262144 "$1" | KX_METRIC=$chance_metric LC_ALL=C awk '
    { s = s $0 "\n" }
    END {
      n = length(s); depth = 0; key = ""; out = ""; metric = ""; nan = 0; i = 1; isValue = 0
      while (i <= n) {
        c = substr(s, i, 1)
        if (c == "\"") {
          t = ""; j = i + 1; odd = 0
          while (j <= n) {
            d = substr(s, j, 1)
            if (d == "\\") { odd = 1; j += 2; continue }
            if (d == "\"") break
            t = t d; j++
          }
          i = j + 1
          if (depth == 1 && !isValue) key = (odd || length(t) > 128) ? "" : t
          else if (depth == 1 && t ~ /^[-+]?(NaN|nan|Infinity|inf)$/) nan = 1
          continue
        }
        if (c == "{" || c == "[") { depth++; isValue = 0 }
        else if (c == "}" || c == "]") { depth--; isValue = 0 }
        else if (c == ":" && depth == 1) isValue = 1
        else if (c == "," && depth == 1) { isValue = 0; key = "" }
        else if (isValue && depth == 1 && c ~ /[-+0-9NnI]/) {
          rest = substr(s, i, 64)
          if (match(rest, /^[-+]?(NaN|nan|Infinity|inf)/)) { nan = 1; i += RLENGTH; continue }
          if (match(rest, /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/)) {
            v = substr(rest, 1, RLENGTH)
            if (key != "" && key !~ /[\001-\037]/) {
              out = out (out == "" ? "" : ",") "\"" key "\":" v
              if (key == ENVIRON["KX_METRIC"]) metric = v
              if (key == "nan_count" && v + 0 > 0) nan = 1
            }
            i += RLENGTH; continue
          }
        }
        i++
      }
      printf "nan=%s\nmetric=%s\nresults={%s}\n", nan, metric, out
    }'
}

# True when a line of metrics on standard input holds NaN or an infinity, quoted or bare. null means not measured.
nan_line() {
  LC_ALL=C awk '/:[ \t]*"?[-+]?(NaN|nan|Infinity|inf)"?[ \t]*[,}]/ { found = 1; exit } END { exit !found }'
}

# ---- one unit -------------------------------------------------------------------------------------------------------
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

run_unit() {
  entry=$1
  unit=${entry#*-}
  dir=$folder/units/$unit
  mkdir -p "$dir/checkpoints"
  unit_attempt=0
  [ -f "$dir/attempts" ] && IFS= read -r unit_attempt <"$dir/attempts"
  case $unit_attempt in '' | *[!0-9]*) unit_attempt=0 ;; esac
  unit_attempt=$((unit_attempt + 1))
  put "$dir/attempts" "$unit_attempt"
  put "control/worker.$worker.entry" "$entry"
  set --
  {
    IFS= read -r unit_index
    IFS= read -r unit_seed
    while IFS= read -r line; do
      word=$(printf '%bx' "$line")
      set -- "$@" "${word%x}"
    done
  } <"claimed/$entry"
  [ "$unit_attempt" = 1 ] || printf -- '--- kx: attempt %s ---\n' "$unit_attempt" >>"$dir/log"
  now_ms
  unit_started=$now
  signalled=0
  (
    [ -z "$gpu" ] || set -- CUDA_VISIBLE_DEVICES="$gpu" "$@"
    become KX_UNIT="$unit" KX_UNIT_INDEX="$unit_index" KX_SEED="$unit_seed" KX_ATTEMPT="$unit_attempt" \
      KX_UNIT_DIR="$dir" KX_CHECKPOINT_DIR="$dir/checkpoints" "$@"
  ) >>"$dir/log" 2>&1 </dev/null &
  child=$!
  ticks_of "$child" || :
  put "$dir/pid" "$child $ticks $boot_id $worker $unit_started $unit_attempt"
  note unit.started "\"attempt\":$unit_attempt"
  wait "$child"
  code=$?
  # A signal for the runner wakes a wait up without ending the unit: wait again, and keep the true exit code.
  while [ "$signalled" = 1 ]; do
    signalled=0
    wait "$child"
    again=$?
    [ "$again" = 127 ] || code=$again
  done
  end_group "$child"
  state=failed
  if [ "$code" = 0 ]; then
    if [ "$need_result" = 0 ] || [ -f "$dir/result.json" ]; then state="done"
    else printf 'kx: exit code 0, but no result.json: not done\n' >>"$dir/log"; fi
  elif [ -e control/stopping ]; then state=aborted; fi
  end_unit
}

# Needs entry, unit, dir, code, state, unit_attempt, unit_started, worker.
end_unit() {
  numbers="nan=0${newline}metric=${newline}results={}"
  if [ "$state" = "done" ] && [ -f "$dir/result.json" ]; then numbers=$(result_numbers "$dir/result.json"); fi
  if [ -f "$dir/metrics.jsonl" ] && nan_line <"$dir/metrics.jsonl"; then numbers="nan=1${newline}${numbers#nan=?"$newline"}"; fi
  now_ms
  put "$dir/exit" "unit=$unit${newline}code=$code${newline}state=$state${newline}attempt=$unit_attempt${newline}worker=$worker${newline}startedAtMs=$unit_started${newline}endedAtMs=$now${newline}$numbers"
  rm -f "$dir/pid"
  note unit.ended "\"attempt\":$unit_attempt,\"code\":$code,\"state\":\"$state\",\"seconds\":$(((now - unit_started) / 1000))"
  case $state in
    done) mv -f "claimed/$entry" "done/$entry" ;;
    failed) mv -f "claimed/$entry" "failed/$entry" ;;
    *) mv -f "claimed/$entry" "queue/$entry" ;;
  esac
  rm -f "control/worker.$worker.entry"
}

work() {
  worker=$1
  me=$main_pid-$worker
  notes=0
  # Noticed and not obeyed: the main process says when a unit ends. A handler, not "ignore": units must not inherit that.
  trap 'signalled=1' TERM INT HUP
  gpu=
  if [ -n "$gpus" ]; then
    # shellcheck disable=SC2086
    IFS=, && set -- $gpus && unset IFS
    shift $(((worker - 1) % $#))
    gpu=$1
  fi
  while [ ! -e control/stopping ]; do
    # A worker whose main process is gone finishes what it has and takes nothing new.
    is_alive "$main_pid" "$main_ticks" "$boot_id" || return
    taken=
    for path in queue/*; do
      [ -f "$path" ] || continue
      # The claim: a rename succeeds for one worker only.
      if mv "$path" "claimed/${path##*/}" 2>/dev/null; then
        taken=${path##*/}
        break
      fi
    done
    [ -n "$taken" ] || break
    run_unit "$taken"
    if [ "$sequential" = 1 ] && [ "$state" != "done" ]; then break; fi
  done
  : >"control/worker.$worker.ended"
}

start_worker() {
  rm -f "control/worker.$1.ended" "control/worker.$1.entry"
  (work "$1") &
  worker_pid=$!
  ticks_of "$worker_pid" || :
  put "control/worker.$1.pid" "$worker_pid $ticks $boot_id"
}

# ---- looking after them ---------------------------------------------------------------------------------------------
workers_ended() {
  w=1
  while [ "$w" -le "$workers" ]; do
    [ -e "control/worker.$w.ended" ] || return 1
    w=$((w + 1))
  done
}

# A worker that was killed takes its unit with it: the unit is ended, written down as failed, and another worker begins.
replace_lost_workers() {
  w=0
  while [ "$w" -lt "$workers" ]; do
    w=$((w + 1))
    [ -e "control/worker.$w.ended" ] && continue
    read -r p t b <"control/worker.$w.pid" && is_alive "$p" "$t" "$b" && continue
    [ -e "control/worker.$w.ended" ] && continue
    event worker.lost "\"worker\":$w"
    if [ -f "control/worker.$w.entry" ] && IFS= read -r entry <"control/worker.$w.entry" && [ -f "claimed/$entry" ]; then
      unit=${entry#*-} dir=$folder/units/${entry#*-} worker=$w code=137 state=failed notes=1000000
      unit_attempt=1 unit_started=$now
      [ -f "$dir/attempts" ] && IFS= read -r unit_attempt <"$dir/attempts"
      if [ -f "$dir/pid" ] && read -r p t b _ unit_started _ <"$dir/pid" && is_alive "$p" "$t" "$b"; then end_group "$p"; fi
      if [ -f "$dir/exit" ]; then mv -f "claimed/$entry" "queue/$entry"; sort_claims; else end_unit; fi
    fi
    start_worker "$w"
  done
}

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

# signal_units: TERM once to every unit that runs, KILL when the grace since stop_began is over. Sets busy.
signal_units() {
  now_steady
  busy=0
  for path in units/*/pid; do
    [ -f "$path" ] && read -r p t b _ <"$path" && is_alive "$p" "$t" "$b" || continue
    busy=1
    if [ $((steady - stop_began)) -ge $((grace_seconds * 1000)) ]; then
      signal_unit KILL "$p"
      continue
    fi
    case $asked_units in *" $p "*) continue ;; esac
    asked_units="$asked_units$p "
    signal_unit TERM "$p"
  done
}

# Until all workers have written down how their unit ended.
stop_units() {
  : >control/stopping
  now_steady
  stop_began=$steady asked_units=' '
  while ! workers_ended; do
    signal_units
    [ $((steady - stop_began)) -ge $(((grace_seconds + 30) * 1000)) ] && break
    drain_notes
    pause
  done
}

# What an earlier runner, killed, has left running. Its workers are let be until they have written down how their unit
# ended: one that is killed between starting a unit and noting its process would leave a unit that nobody knows.
end_leftovers() {
  : >control/stopping
  now_steady
  stop_began=$steady asked_units=' '
  while :; do
    signal_units
    for path in control/worker.*.pid; do
      [ -f "$path" ] && read -r p t b <"$path" && is_alive "$p" "$t" "$b" || continue
      busy=1
      [ $((steady - stop_began)) -lt $(((grace_seconds + 10) * 1000)) ] || kill -KILL "$p" 2>/dev/null
    done
    [ "$busy" = 1 ] || break
    pause
  done
  # And whoever says in its environment that it is of this run, with no worker to speak for it.
  for path in $(grep -lF "KX_RUN_DIR=$folder" /proc/[0-9]*/environ 2>/dev/null); do
    p=${path#/proc/}
    p=${p%/environ}
    [ "$p" != "$main_pid" ] && tr '\0' '\n' 2>/dev/null <"$path" | grep -qxF "KX_RUN_DIR=$folder" && kill -KILL "$p" 2>/dev/null
  done
  rm -f control/worker.* control/stopping units/*/pid
}

# checkpoint.json from the exit files, and what the abort rules need to know: units done, with NaN, with metric, mean.
derive() {
  changed=0
  now_ms
  find units -mindepth 2 -maxdepth 2 -name exit -exec cat {} + | LC_ALL=C awk -v out="checkpoint.json.tmp-$me" -v run="$run_id" -v now="$now" '
    function flush() {
      if (unit != "" && state == "done") {
        list = list (done ? "," : "") "\"" unit "\""; results = results (done ? "," : "") "\"" unit "\":" numbers; done++
        if (metric != "") { n++; sum += metric }
      }
      if (unit != "" && nan == 1) nans++
      unit = ""; state = ""; nan = 0; metric = ""; numbers = "{}"
    }
    /^unit=/ { flush(); unit = substr($0, 6); next }
    /^state=/ { state = substr($0, 7) }
    /^nan=/ { nan = substr($0, 5) }
    /^metric=/ { metric = substr($0, 8) }
    /^results=/ { numbers = substr($0, 9) }
    END {
      flush()
      printf "{\"version\":1,\"runId\":\"%s\",\"atMs\":%s,\"completed\":[%s],\"results\":{%s}}\n", run, now, list, results > out
      printf "%d %d %d %.12g\n", done, nans, n, (n ? sum / n : 0)
    }' >control/derived && sync_file "checkpoint.json.tmp-$me" && mv -f "checkpoint.json.tmp-$me" checkpoint.json
  read -r n_done n_nan n_metric mean_metric <control/derived || return
  if [ "$abort_nan" = 1 ] && [ "$n_nan" -gt 0 ]; then stop_because abort-nan 10; fi
  if [ -n "$chance_after" ] && [ "$n_metric" -ge "$chance_after" ]; then
    if awk -v m="$mean_metric" -v c="$chance_value" -v d="$chance_direction" 'BEGIN { exit !(d == "lower" ? m >= c : m <= c) }'; then
      stop_because abort-chance 11
    fi
  fi
}

# First reason wins.
stop_because() {
  [ -n "$stop_reason" ] && return
  stop_reason=$1 exit_code=$2
}

nan_in_metrics() {
  for path in claimed/*; do
    [ -f "$path" ] || continue
    path=${path##*/}
    metrics=units/${path#*-}/metrics.jsonl
    [ -f "$metrics" ] || continue
    if tail -c 65536 "$metrics" | nan_line; then
      event abort.nan "\"unit\":\"${path#*-}\""
      stop_because abort-nan 10
      return
    fi
  done
}

beat() {
  now_steady
  put heartbeat "$now $main_pid"
  elapsed=$((elapsed_before + steady / 1000))
  put elapsed "$elapsed"
  if [ -n "$wall_seconds" ] && [ "$elapsed" -ge "$wall_seconds" ]; then stop_because abort-time 12; fi
  if [ -n "$lease_until_ms" ] && [ "$lease_said" = 0 ] && [ "$now" -gt "$lease_until_ms" ]; then
    lease_said=1
    event lease.over ''
  fi
  if [ -n "$idle_seconds" ]; then
    if [ -n "$(find units -type f -newer control/seen 2>/dev/null | head -n 1)" ]; then
      : >control/seen
      idle_since=$steady
    elif [ $((steady - idle_since)) -ge $((idle_seconds * 1000)) ]; then stop_because abort-idle 13; fi
  fi
}

# Called every poll, while units or a step run. beat_every and scan_every count polls.
look() {
  polls=$((polls + 1))
  drain_notes
  [ "$changed" = 0 ] || derive
  [ -z "$asked" ] || stop_because stopped 14
  if [ -e stop ]; then stop_because stopped 14; fi
  if [ "$abort_nan" = 1 ] && [ $((polls % scan_every)) = 0 ]; then nan_in_metrics; fi
  if [ $((polls % beat_every)) = 0 ]; then
    beat
    replace_lost_workers
  fi
}

# ---- steps after the last unit --------------------------------------------------------------------------------------
# run_step <file in steps/>: first line the time limit in seconds, then the arguments. Sets code.
run_step() {
  step_file=$1
  step=${1##*/}
  step=${step#*-}
  step_dir=$folder/after/$step
  mkdir -p "$step_dir"
  rm -f "$step_dir/exit"
  set --
  {
    IFS= read -r limit
    while IFS= read -r line; do
      word=$(printf '%bx' "$line")
      set -- "$@" "${word%x}"
    done
  } <"$step_file"
  event step.started "\"step\":\"$step\""
  now_steady
  step_began=$now step_from=$steady
  (become "$@") >>"$step_dir/log" 2>&1 </dev/null &
  child=$!
  ticks_of "$child" || :
  step_ticks=$ticks
  ended_by=
  while is_alive "$child" "$step_ticks" "$boot_id"; do
    pause
    polls=$((polls + 1))
    now_steady
    [ $((polls % beat_every)) = 0 ] && beat
    [ -e stop ] && stop_because stopped 14
    [ -n "$asked" ] && stop_because stopped 14
    if [ -z "$ended_by" ]; then
      case $stop_reason:$step_file in :* | *:steps/save-*) ;; *) ended_by=stop ;; esac
      [ $((steady - step_from)) -lt $((limit * 1000)) ] || ended_by=timeout
      [ -z "$ended_by" ] || { ending_began=$steady && signal_unit TERM "$child"; }
    elif [ $((steady - ending_began)) -ge $((grace_seconds * 1000)) ]; then signal_unit KILL "$child"; fi
  done
  wait "$child"
  code=$?
  end_group "$child"
  [ "$ended_by" = timeout ] && code=124
  now_ms
  put "$step_dir/exit" "$code"
  event step.ended "\"step\":\"$step\",\"code\":$code,\"startedAtMs\":$step_began"
}

# artifacts_there <before|all>: every artifact in its minimum number. Before the steps only those that units make.
artifacts_there() {
  missing=
  [ -f artifacts.list ] || return 0
  while IFS=' ' read -r minimum least how pattern; do
    case $1:$pattern in before:units/*) ;; before:*) continue ;; esac
    matched=0
    if [ "$how" = loose ]; then
      matched=$(find . -type f -size "+$((least > 0 ? least - 1 : 0))c" -path "./$pattern" | wc -l)
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

# ---- one runner a folder --------------------------------------------------------------------------------------------
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

if [ -f exit.json ] && grep -q '"reason":"completed"' exit.json; then exit 0; fi
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

reason=runner-error exit_code=70 stop_reason='' changed=1 polls=0 lease_said=0 elapsed=0 elapsed_before=0 n_done=0
[ -f elapsed ] && IFS= read -r elapsed_before <elapsed
case $elapsed_before in '' | *[!0-9]*) elapsed_before=0 ;; esac
now_steady
idle_since=$steady
# poll_seconds may be a fraction: polls a second, at least one.
per_second=$(awk -v p="$poll_seconds" 'BEGIN { n = int(1 / p + 0.5); print n < 1 ? 1 : n }')
beat_every=$((per_second * heartbeat_seconds)) scan_every=$per_second
[ "$beat_every" -gt 0 ] || beat_every=1

# The last thing that this run says, however it ends (kill -9 apart).
finish() {
  trap '' TERM INT HUP
  stop_reason=${stop_reason:-none}
  drain_notes
  derive
  count_in "done"
  n_done=$counted
  count_in failed
  n_failed=$counted
  n_aborted=0
  for path in queue/*; do
    [ -f "$path" ] || continue
    path=${path##*/}
    [ -f "units/${path#*-}/exit" ] && grep -q '^state=aborted$' "units/${path#*-}/exit" && n_aborted=$((n_aborted + 1))
  done
  event run.ended "\"reason\":\"$reason\",\"code\":$exit_code"
  now_ms
  put exit.json "{\"code\":$exit_code,\"reason\":\"$reason\",\"endedAtMs\":$now,\"units\":{\"done\":$n_done,\"failed\":$n_failed,\"aborted\":$n_aborted},\"attempt\":$attempt}"
}
trap finish EXIT

# ---- what an earlier runner left behind -----------------------------------------------------------------------------
mkdir -p queue claimed "done" failed units control notes after
end_leftovers

if [ ! -e control/queued ]; then
  # units.list: "= <entry>" begins a unit, the lines below it are its queue file.
  entry=
  while IFS= read -r line; do
    case $line in
      '= '*)
        [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
        entry=${line#= }
        : >"queue/.$entry"
        ;;
      *) printf '%s\n' "${line#?}" >>"queue/.$entry" ;;
    esac
  done <units.list
  [ -z "$entry" ] || mv -f "queue/.$entry" "queue/$entry"
  : >control/queued
fi
# Finished stays finished. What failed, was aborted or was in the middle goes back into the queue.
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

# ---- the run --------------------------------------------------------------------------------------------------------
: >control/seen
event run.started "\"runId\":\"$run_id\",\"token\":\"$token\",\"pid\":$main_pid,\"workers\":$workers"
beat
w=1
while [ "$w" -le "$workers" ]; do
  start_worker "$w"
  w=$((w + 1))
done
while :; do
  look
  [ -z "$stop_reason" ] || break
  if workers_ended; then
    drain_notes
    derive
    break
  fi
  pause
done
if [ -n "$stop_reason" ]; then
  event run.stopping "\"reason\":\"$stop_reason\""
  stop_units
  for path in steps/save-*; do [ -f "$path" ] && run_step "$path"; done
  reason=$stop_reason
  exit "$exit_code"
fi
wait
count_in failed
n_failed=$counted
count_in queue
if [ $((n_failed + counted)) -gt 0 ]; then
  reason=units-failed exit_code=1
  exit "$exit_code"
fi
if ! artifacts_there before; then
  reason=artifacts-missing exit_code=4
  exit "$exit_code"
fi
for path in steps/[0-9]*; do
  [ -f "$path" ] || continue
  run_step "$path"
  if [ -n "$stop_reason" ]; then
    reason=$stop_reason
    exit "$exit_code"
  fi
  if [ "$code" != 0 ]; then
    reason=after-failed exit_code=2
    exit "$exit_code"
  fi
done
derive
if ! artifacts_there all; then
  reason=artifacts-missing exit_code=4
  exit "$exit_code"
fi
reason=completed exit_code=0
exit 0
