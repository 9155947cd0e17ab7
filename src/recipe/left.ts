import type { Host } from '../host/types.ts'

/** Processes whose environment carries a mark: found even where kx died between starting one and writing it down. */
const source = `
mark="KX_CELL_MARK=$1"
[ -r /proc/self/environ ] || exit 3
for f in /proc/[0-9]*/environ; do
  pid=\${f#/proc/}; pid=\${pid%/environ}
  [ "$pid" = "$$" ] && continue
  if tr '\\0' '\\n' 2>/dev/null <"$f" | grep -qxF "$mark"; then
    state=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)
    case $state in ''|Z|X) ;; *) echo "$pid" ;; esac
  fi
done
`

/**
 * What an earlier cell left running on a host, by the mark in its environment: also what went into a session of its own.
 * Null: it cannot be told there.
 */
export async function leftRunning(host: Host, mark: string, signal: AbortSignal): Promise<readonly number[] | null> {
  const ran = await host.script(source, [mark], { timeoutSeconds: 30, signal })
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0) return null
  return new TextDecoder().decode(ran.stdout).split('\n').filter(Boolean).map(Number)
}
