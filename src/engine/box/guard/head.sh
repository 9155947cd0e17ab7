#!/bin/sh
# kx box guard. Watches one run's lease and work on one machine, with kx gone.
#
#   sh guard-<digest>.sh <folder of the run>
#
# POSIX sh; works in dash, bash and busybox ash. It acts when the lease is over, or when the work is finished, dead or
# stalled and nobody came for the time that the launch set: save hook first, then the one act that the profile says can be
# undone and can be done from here, else nothing but an alarm. It never removes anything. That kx is away is no reason.
#
# Its own files lie under guard/: now (what it says of itself), clock (time of the lease), alarm, save.log, visited (written
# by kx whenever somebody does something here). What it does it appends to events.jsonl, one write a line.
#
# Put together from the parts in src/engine/box/guard/ and runner/ in the order of assets.ts.

set -u
umask 077
cd -- "${1:?folder of the run}" || exit 66
folder=$(pwd -P)
# No file of the run is held open: who looks for writers must find none.
exec </dev/null >/dev/null 2>&1
