import type { Host } from '../../host/types.ts'
import { isTakenName, secretStanza } from '../../text/secret-stanza.ts'
import { EngineError } from '../errors.ts'
import type { SubmitRequest } from '../types.ts'

/**
 * Takes a stanza from standard input into a file of this user alone, on memory or a disk of this machine: never on a file
 * system that other machines see. Names that the stanza lacks are taken from the session's own environment.
 * Arguments: folder of the run, token, how many names follow, names, folders to try. Prints the folder of the file, and in the
 * next line names that have no value anywhere. Exit 5 the stanza was cut off, 6 no folder would do.
 */
const source = `set -u
umask 077
run=$1 token=$2 count=$3
shift 3
names=
while [ "$count" -gt 0 ]; do names="$names $1"; shift; count=$((count - 1)); done
if IFS= read -r old 2>/dev/null <"$run/secrets.path"; then
  case $old in */kx-"$(id -u)"-*) rm -f -- "$old/values" "$old/values.tmp"; rmdir -- "$old" 2>/dev/null ;; esac
fi
for base in "$@"; do
  [ -d "$base" ] && [ -w "$base" ] || continue
  case $base in /dev/shm) grep -q '^[^ ]* /dev/shm tmpfs ' /proc/mounts 2>/dev/null || continue ;; esac
  case $(stat -f -c %T -- "$base" 2>/dev/null) in nfs* | cifs | smb* | fuse* | ceph | lustre | gpfs | 9p | afs | v9fs | glusterfs) continue ;; esac
  dir=$base/kx-$(id -u)-$token
  mkdir -- "$dir" 2>/dev/null || { [ -d "$dir" ] && [ ! -h "$dir" ] && [ -O "$dir" ] || continue; }
  chmod 700 -- "$dir" || continue
  printf '%s\\n' "$dir" >"$run/secrets.path.tmp" && mv -f "$run/secrets.path.tmp" "$run/secrets.path" || exit 8
  trap 'rm -f -- "$dir/values.tmp"' EXIT
  rm -f -- "$dir/values.tmp"
  ended= missing=
  while IFS= read -r line; do
    if [ "$line" = end ]; then ended=1; break; fi
    printf '%s\\n' "$line" || exit 9
  done >"$dir/values.tmp"
  [ -n "$ended" ] || exit 5
  for name in $names; do
    grep -q "^$name=" "$dir/values.tmp" && continue
    printenv "$name" >/dev/null || { missing="$missing $name"; continue; }
    { printf '%s=' "$name"; printenv "$name" | awk '{ gsub(/\\\\/, "&&"); printf "%s%s", (NR > 1 ? "\\\\n" : ""), $0 }'; echo; } >>"$dir/values.tmp"
  done
  mv -f -- "$dir/values.tmp" "$dir/values" || exit 9
  printf '%s\\n%s\\n' "$dir" "$missing"
  exit 0
done
exit 6`

const decoder = new TextDecoder()

/**
 * Hands the plan's secrets over before a start: on standard input, into a 0600 file on the machine itself. Returns its
 * path; null when the plan names none. Throws EngineError: nothing was started.
 */
export async function placeSecrets(host: Host, request: SubmitRequest): Promise<string | null> {
  const { plan, folder, token, secrets } = request
  const names = plan.secrets
  if (names.length === 0) return null
  const taken = names.find(isTakenName)
  if (taken !== undefined)
    throw new EngineError(
      `No secret can go by the name ${taken}: it has a meaning of its own there.`,
      'nothing-started',
    )
  const known = new Map(
    names.flatMap((name) => {
      const value = secrets?.valueOf(name) ?? null
      return value === null || value === '' ? [] : [[name, value] as const]
    }),
  )
  await host.exec(['mkdir', '-p', '-m', '0700', '--', folder])
  const places = ['/dev/shm', ...(secrets?.folders ?? ['/tmp'])]
  const ran = await host.exec(
    ['sh', '-c', source, 'sh', folder, token, String(names.length), ...names, ...new Set(places)],
    { stdin: secretStanza(known), timeoutSeconds: 30 },
  )
  const [dir = '', absent = ''] = decoder.decode(ran.stdout).split('\n')
  if (ran.ending.kind !== 'exited')
    throw new EngineError(`${host.name} did not say whether it took the secrets.`, 'nothing-started')
  const why: Readonly<Record<number, string>> = {
    5: 'they were cut off on the way. Launch again.',
    6: `no folder of the machine itself can hold them: tried ${places.join(', ')}.`,
  }
  const { code } = ran.ending
  if (code !== 0 || !/^\/[\x20-\x7e]*$/.test(dir))
    throw new EngineError(
      `The secrets were not handed over to ${host.name}: ${why[code] ?? `it ended with exit code ${code}.`}`,
      'nothing-started',
    )
  const missing = names.filter((name) => absent.split(' ').includes(name))
  if (missing.length > 0) secrets?.onMissing?.(missing)
  return `${dir}/values`
}
