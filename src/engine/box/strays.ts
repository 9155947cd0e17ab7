import type { Host } from '../../host/types.ts'

/**
 * Only whoever says in its environment that it is a smoke's unit of this very run; every process of its tree does.
 * The first look is without -F: grep -F of busybox ends at the first NUL of a file.
 */
const source = `ended=0
for path in $(grep -l KX_RUN_ID= /proc/[0-9]*/environ 2>/dev/null); do
  pid=\${path#/proc/}
  pid=\${pid%/environ}
  [ "$(tr '\\0' '\\n' 2>/dev/null <"$path" | grep -cxF -e "KX_RUN_ID=$1" -e 'KX_SMOKE=1')" = 2 ] || continue
  kill -KILL "$pid" 2>/dev/null && ended=$((ended + 1))
done
echo "$ended"`

/**
 * Ends units of a smoke whose kx was killed: nobody watches them, and nobody would end them. Returns how many processes
 * there were; null when the host did not say. Not while another kx is at a smoke of this run.
 */
export async function endSmokeStrays(host: Host, runId: string): Promise<number | null> {
  const ran = await host.script(source, [runId], { timeoutSeconds: 30 })
  const text = new TextDecoder().decode(ran.stdout).trim()
  return ran.ending.kind === 'exited' && ran.ending.code === 0 && /^\d+$/.test(text) ? Number(text) : null
}
