import type { Host } from '../../host/types.ts'

/**
 * Counts processes that name this run in their environment; every unit's tree does. Harms none.
 * The first look is without -F: grep -F of busybox ends at the first NUL of a file.
 */
const source = `found=0
for path in $(grep -l KX_RUN_ID= /proc/[0-9]*/environ 2>/dev/null); do
  [ "$(tr '\\0' '\\n' 2>/dev/null <"$path" | grep -cxF -e "KX_RUN_ID=$1")" -ge 1 ] && found=$((found + 1))
done
echo "$found"`

/**
 * How many processes of a run's units are alive, wherever its folder has gone: what was started there outlives it. Null:
 * the host did not say.
 */
export async function countSurvivors(host: Host, runId: string): Promise<number | null> {
  const ran = await host.script(source, [runId], { timeoutSeconds: 30 })
  const text = new TextDecoder().decode(ran.stdout).trim()
  return ran.ending.kind === 'exited' && ran.ending.code === 0 && /^\d+$/.test(text) ? Number(text) : null
}
