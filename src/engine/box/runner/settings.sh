#!/bin/sh
# kx box runner. Keeps the units of one run going on one machine, with kx gone.
#
#   sh runner-<digest>.sh <folder of the run>
#
# POSIX sh; works in dash, bash and busybox ash. Reads flat files that kx wrote beforehand (plan.env, units.list, env/,
# steps/, artifacts.list) and never runs text as code: no eval, no JSON parser, arguments come from files line by line.
# The main process is the only writer of events.jsonl, checkpoint.json, heartbeat and exit.json; workers are its children.
#
# Put together from the parts in src/engine/box/runner/ in the order of assets.ts; each part says what it is about.

# ==== settings: what the plan says, line by line =====================================================================
set -u
umask 077
cd -- "${1:?folder of the run}" || exit 66
folder=$(pwd -P)
exec </dev/null >>runner.log 2>&1

run_id='' token='' workers=1 threads='' gpus='' need_result=1 sequential=0 abort_nan=0
chance_after='' chance_metric='' chance_value='' chance_direction=higher wall_seconds='' idle_seconds=''
grace_seconds=20 heartbeat_seconds=5 poll_seconds=0.5 lease_until_ms='' log_pattern=''
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
    log_pattern=*) log_pattern=$value ;;
  esac
done <plan.env || exit 66
newline='
'
