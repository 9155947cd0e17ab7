# Starts a systemd of its own as the first process of namespaces of its own, and stays until that one ends.
# Arguments: name of the cgroup that all it makes lies in, systemd's program. Its unit is empty: it manages what it is given.
set -eu
name=$1
# Of every hierarchy a part of its own, so that nothing is left elsewhere; one that cannot be divided is not used.
while IFS=: read -r _ controllers path; do
  case $controllers in
    '') top=/sys/fs/cgroup/unified && [ -d "$top" ] || top=/sys/fs/cgroup ;;
    *) top=/sys/fs/cgroup/${controllers#name=} ;;
  esac
  [ -d "$top$path" ] && mkdir "$top$path/$name" || continue
  echo $$ >"$top$path/$name/cgroup.procs" 2>/dev/null || rmdir "$top$path/$name"
done </proc/self/cgroup
# shellcheck disable=SC2016
exec unshare --pid --fork --mount --cgroup --mount-proc --kill-child sh -c '
  set -eu
  mount -t tmpfs tmpfs /run
  mkdir -p /run/kx-units
  printf "[Unit]\nDescription=Empty\nDefaultDependencies=no\n" >/run/kx-units/empty.target
  echo 0123456789abcdef0123456789abcdef >/run/id
  if [ -e /etc/machine-id ]; then mount --bind /run/id /etc/machine-id; fi
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 /sys/fs/cgroup
  else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  fi
  exec env -i PATH="$PATH" container=kx SYSTEMD_UNIT_PATH=/run/kx-units "$1" --system --unit=empty.target
' sh "$2"
