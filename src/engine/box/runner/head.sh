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

set -u
umask 077
cd -- "${1:?folder of the run}" || exit 66
folder=$(pwd -P)
exec </dev/null >>runner.log 2>&1
