import type { Host } from '../../host/types.ts'
import type { Plan, Unit } from '../../spec/schema.ts'
import { EngineError } from '../errors.ts'
import { queueFiles, unitList } from './layout.ts'

/** Of the entries that are named, those that no folder of the queue has. */
const missingSource = `cd -- "$1" || exit 66
shift
for entry do
  [ -e "queue/$entry" ] || [ -e "claimed/$entry" ] || [ -e "done/$entry" ] || [ -e "failed/$entry" ] || printf '%s\\n' "$entry"
done`

const queueSource = `cd -- "$1" || exit 66
shift
for entry do
  mv -f "queue/.$entry" "queue/$entry" || exit 1
done`

async function run(host: Host, source: string, folder: string, entries: readonly string[]): Promise<readonly string[]> {
  const ran = await host.script(source, [folder, ...entries], { timeoutSeconds: 30 })
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0)
    throw new EngineError(`${host.name} did not take more units: look at ${folder} and try again.`, 'unknown')
  return new TextDecoder()
    .decode(ran.stdout)
    .split('\n')
    .filter((line) => line !== '')
}

/**
 * Gives a runner that is at work further units of its plan: each becomes a file of its queue by one rename, as its workers
 * take them. What it has already, in whatever state, stays as it is; so it may be asked again. Returns how many were new.
 * A runner that ends in the same moment leaves them in its queue and says that not all succeeded: the next start takes them.
 */
export async function giveToBox(host: Host, folder: string, plan: Plan, units: readonly Unit[]): Promise<number> {
  const files = queueFiles(plan, units)
  const missing = (await run(host, missingSource, folder, [...files.keys()])).filter((entry) => files.has(entry))
  if (missing.length === 0) return 0
  for (const entry of missing) await host.write(`${folder}/queue/.${entry}`, files.get(entry) ?? '')
  await host.write(`${folder}/units.list`, unitList(plan, units))
  await run(host, queueSource, folder, missing)
  return missing.length
}
