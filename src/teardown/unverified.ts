import { isVerified, type Manifest, readManifest } from '../artifact/manifest.ts'
import { damagedCopies } from '../artifact/recheck.ts'
import type { ActContext } from '../run/act.ts'
import type { RunState } from '../run/types.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { artifactsFolder } from './common.ts'
import { verifiedOf } from './inputs.ts'

/** More names than this are a list that nobody reads; the number of all of them is said. */
const mostNames = 1000

/**
 * Names of results that nobody has verified: of a run whose manifest does not hold, every unit; else what the manifest
 * lacks, what failed in it, units that it knows nothing of, and copies that are no longer what was verified.
 */
export async function unverifiedResults(
  ctx: Pick<ActContext, 'run' | 'loaded' | 'signal'>,
): Promise<readonly string[]> {
  const folder = artifactsFolder(ctx)
  const stored = await readManifest(folder)
  const units = ctx.loaded.units.map((unit) => unit.id)
  if (stored === null || !isOfNewestLaunch(ctx.run.state(), stored.sha256)) return bounded(units.map(wholeUnit))
  const damaged = await damagedCopies(folder, stored.manifest, ctx.signal)
  return bounded(namesIn(stored.manifest, units, new Set(damaged)))
}

const wholeUnit = (unit: string) => `everything of unit ${unit}`

/** The manifest on disk is the one that was verified, and nothing was launched after that. */
function isOfNewestLaunch(state: RunState, sha256: string): boolean {
  const verified = verifiedOf(state)
  if (verified === null || verified.payload.manifestSha256 !== sha256) return false
  return state.proofs.indexOf(verified) > state.proofs.findLastIndex((proof) => proof.kind === 'Receipt')
}

function namesIn(manifest: Manifest, units: readonly string[], damaged: ReadonlySet<string>): readonly string[] {
  const good = manifest.files.filter((file) => isVerified(file) && !damaged.has(file.path))
  const known = new Set(good.map((file) => file.path.split('/')[1]))
  const bad = manifest.files.filter((file) => !good.includes(file)).map((file) => file.path)
  const areUnitsDeclared = manifest.declared.some((entry) => entry.glob.startsWith('units/'))
  const silent = areUnitsDeclared ? units.filter((unit) => !known.has(unit)) : []
  const named = [...manifest.missing, ...bad].filter((path) => !silent.includes(path.split('/')[1] ?? ''))
  return [...silent.map(wholeUnit), ...named]
}

function bounded(names: readonly string[]): readonly string[] {
  const clean = [...new Set(names)].map((name) => sanitiseLine(name))
  const rest = clean.length - mostNames
  return rest > 0 ? [...clean.slice(0, mostNames), `and ${rest} more`] : clean
}

/** The first few of many names, in one line. */
export function nameSome(names: readonly string[], most = 10): string {
  const rest = names.length - most
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ')
}
