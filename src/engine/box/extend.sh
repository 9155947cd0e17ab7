# Writes a longer lease for the guard of a run's folder, whole or not at all, and only over the one that kx knew.
# Arguments: folder, token of the launch, number of the lease that is there, number of the new one, seconds since the launch.
# Exit 0 written, 3 it is another launch's folder, 4 the lease there is another one, 5 it would be shorter, 66 no folder.
set -u
umask 077
cd -- "$1" 2>/dev/null || exit 66
token=$2 expected=$3 number=$4 seconds=$5
grep -qxF "token=$token" plan.env 2>/dev/null || exit 3
mkdir -p guard
# A lock that outlives its holder is older than anybody waits here.
tries=0
until mkdir guard/lease.lock 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ] || { rmdir guard/lease.lock 2>/dev/null; tries=0; }
  sleep 0.1 2>/dev/null || sleep 1
done
trap 'rmdir guard/lease.lock 2>/dev/null' EXIT
t='' n='' s=''
read -r t n s _ 2>/dev/null <lease
[ "$t" = "$token" ] || exit 3
[ "$n" = "$expected" ] || exit 4
[ "$seconds" -gt "$s" ] || exit 5
printf '%s %s %s\n' "$token" "$number" "$seconds" >lease.tmp || exit 1
sync lease.tmp 2>/dev/null
mv -f lease.tmp lease
