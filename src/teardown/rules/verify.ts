import type { ManifestFile } from '../../artifact/manifest.ts'
import { matchesGlob } from '../../spec/glob.ts'
import { formatBytes } from '../../text/format.ts'
import type { CheckedItem, ItemSpec } from '../../walk/item.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { teardownItems } from '../items.ts'
import type { PatternTally, VerifyFacts } from '../types.ts'
import { checked, detailLimit, naming } from './checked.ts'

function aggregate({ after }: VerifyFacts): Verdict {
  if (after.length === 0)
    return { result: 'not-applicable', reason: 'the plan has no steps after the units', summary: 'no steps' }
  const bad = after.filter((step) => step.exitCode !== 0)
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: `${after.length - bad.length} of ${after.length} steps ended with 0`,
    detail: after.map((s) => `${s.name}: ${s.exitCode === null ? 'did not run to its end' : `exit ${s.exitCode}`}`),
  }
}

function count({ manifest }: VerifyFacts): Verdict {
  const { expected, found } = manifest.totals
  const bad = manifest.problems.filter((p) => ['missing', 'too-small', 'too-many'].includes(p.kind))
  return {
    result: bad.length === 0 && found === expected && found > 0 ? 'pass' : 'fail',
    summary: found === 0 ? 'nothing was found' : `${found} found, ${expected} expected`,
    detail: [...naming(bad), ...manifest.missing.slice(0, detailLimit).map((path) => `${path}: not there`)],
    value: { found, expected, missing: manifest.missing.length },
  }
}

function pull({ manifest }: VerifyFacts): Verdict {
  const refused = manifest.problems.filter((p) =>
    ['unsafe-name', 'collision', 'symlink', 'not-a-file'].includes(p.kind),
  )
  const failed = manifest.files
    .filter((f) => f.sha256Local === null || f.level === 'V0' || f.level === 'V1')
    .map((f) => ({ path: f.path, text: f.problem ?? 'not copied' }))
  const bad = [...refused, ...failed]
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: `${manifest.files.length - failed.length} of ${manifest.files.length} files, ${formatBytes(manifest.totals.bytes)}`,
    detail: naming(bad),
  }
}

const hasSameHash = (file: ManifestFile) => file.sha256Remote !== null && file.sha256Remote === file.sha256Local
const isCopied = (file: ManifestFile) => hasSameHash(file) && (file.level === 'V3' || file.level === 'V4')
const isWhole = (file: ManifestFile) => file.level === 'V4' && file.problem === null
const isDeclaredOpaque = (file: ManifestFile) => file.kind === 'other' && file.level === 'V3' && file.problem === null

function hash({ manifest }: VerifyFacts): Verdict {
  const bad = manifest.files.filter((f) => !hasSameHash(f))
  return {
    result: bad.length === 0 && manifest.files.length > 0 ? 'pass' : 'fail',
    summary: `${manifest.files.length - bad.length} of ${manifest.files.length} files hash the same at both ends`,
    detail: naming(bad.map((f) => ({ path: f.path, text: f.problem ?? 'no hash' }))),
  }
}

function structure({ manifest }: VerifyFacts): Verdict {
  const opaque = manifest.files.filter(isDeclaredOpaque).length
  const rest = manifest.files.filter((f) => !isDeclaredOpaque(f) && !isWhole(f))
  const isOnlyUnknown = rest.every((f) => f.structure?.level === 'not-checkable' && f.problem === null)
  const noted = opaque > 0 ? `, ${opaque} of kind "other" by size and hash only` : ''
  const detail = naming(
    rest.map((f) => ({
      path: f.path,
      text: `${f.problem ?? f.structure?.reason ?? 'not judged'}, ${formatBytes(f.bytes)}`,
    })),
  )
  const summary = `${manifest.files.filter(isWhole).length} of ${manifest.files.length - opaque} files whole by format${noted}`
  if (rest.length === 0) return { result: manifest.files.length > 0 ? 'pass' : 'fail', summary, detail }
  return isOnlyUnknown
    ? { result: 'unknown', reason: `${rest.length} files cannot be judged by their format`, summary, detail }
    : { result: 'fail', summary, detail }
}

function load({ profile }: VerifyFacts): Verdict {
  return profile.verification === 'V5'
    ? { result: 'unknown', reason: 'kx does not load checkpoints yet', summary: 'the profile asks for a load (V5)' }
    : { result: 'not-applicable', reason: 'the profile asks for level V4', summary: 'not asked for' }
}

/** Files that count as verified: copied, and whole, of kind "other", or under a written waiver of the structure check. */
export function acceptedCount({ manifest, overrides }: Pick<VerifyFacts, 'manifest' | 'overrides'>): number {
  return manifest.files.filter(acceptedBy(overrides)).length
}

function acceptedBy(overrides: VerifyFacts['overrides']): (file: ManifestFile) => boolean {
  const given = overrides[teardownItems.structure.id]
  const isStructureWaived = given !== undefined && given.reason.trim() !== ''
  return (f) => isCopied(f) && (isWhole(f) || isDeclaredOpaque(f) || isStructureWaived)
}

/** What was declared, found, verified and is missing, pattern by pattern, in the order of the plan. */
export function patternTallies({ manifest, overrides }: Pick<VerifyFacts, 'manifest' | 'overrides'>): PatternTally[] {
  const isAccepted = acceptedBy(overrides)
  return manifest.declared.map(({ glob, kind, minimumCount, minimumBytes, found, bytes }) => {
    const named = manifest.missing.filter((path) => matchesGlob(path, glob)).length
    return {
      glob,
      kind,
      declared: Math.max(minimumCount, found + named),
      minimumBytes,
      found,
      verified: manifest.files.filter((f) => matchesGlob(f.path, glob) && isAccepted(f)).length,
      missing: Math.max(named, minimumCount - found, 0),
      bytes,
    }
  })
}

function allOk(facts: VerifyFacts): Verdict {
  const { manifest } = facts
  const ok = acceptedCount(facts)
  const errors = manifest.files.length - ok
  return {
    result: errors === 0 && manifest.files.length > 0 ? 'pass' : 'fail',
    summary:
      manifest.files.length === 0
        ? 'nothing was verified: an empty list is an error'
        : `verified ${ok} of ${manifest.files.length}, ${errors} errors`,
    value: { verified: ok, of: manifest.files.length },
  }
}

function nothingNewer({ newer }: VerifyFacts): Verdict {
  const writing = newer.writers.kind === 'known' ? newer.writers.paths : []
  const detail = naming([
    ...newer.changed,
    ...newer.newer.map((path) => ({ path, text: 'was written after the manifest' })),
    ...writing.map((path) => ({ path, text: 'is open for writing' })),
  ])
  if (detail.length > 0) return { result: 'fail', summary: `${detail.length} files moved or are open`, detail }
  if (newer.incomplete !== null)
    return { result: 'unknown', reason: newer.incomplete, summary: 'the look is not complete' }
  const open = newer.writers.kind === 'unknown' ? ` (open files: ${newer.writers.reason})` : ', none open for writing'
  return { result: 'pass', summary: `nothing moved since the manifest${open}` }
}

function targetNeutral({ manifest }: VerifyFacts): Verdict {
  const personal = /^(\/home\/[^/]|\/Users\/[^/]|\/root(\/|$)|[A-Za-z]:)/
  const bad = [manifest.folder, ...manifest.files.map((f) => f.path)].filter((path) => personal.test(path))
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: bad.length === 0 ? 'paths in the manifest are relative or neutral' : `${bad.length} personal paths`,
  }
}

function paperFacts({ manifest }: VerifyFacts): Verdict {
  const has = manifest.files.some((f) => f.path.split('/').at(-1) === 'env_fingerprint.json' && isCopied(f))
  if (has) return { result: 'pass', summary: 'env_fingerprint.json is among the artifacts' }
  const isDeclared = manifest.declared.some(({ glob }) => glob.split('/').at(-1) === 'env_fingerprint.json')
  if (!isDeclared) return { result: 'fail', summary: 'env_fingerprint.json is not declared among the artifacts' }
  const isFound = manifest.files.some((f) => f.path.split('/').at(-1) === 'env_fingerprint.json')
  return isFound
    ? { result: 'fail', summary: 'env_fingerprint.json was written and not copied whole', fix: 'Verify again.' }
    : {
        result: 'fail',
        summary: 'env_fingerprint.json is declared and was never written',
        fix: 'Look which step writes it: one that comes after the units does not run when a unit fails.',
      }
}

/** Logs of trackers on the box that no artifact brought home: they go with it. */
export function lostTrackerLogs({ manifest, newer }: Pick<VerifyFacts, 'manifest' | 'newer'>): readonly string[] {
  const copied = new Set(manifest.files.filter(isCopied).map(({ path }) => path))
  return newer.trackerLogs.filter((path) => !copied.has(path))
}

function trackerSurvives({ manifest, plan, newer }: VerifyFacts): Verdict {
  const { kind } = plan.tracking
  const lost = lostTrackerLogs({ manifest, newer })
  if (lost.length > 0)
    return {
      result: 'fail',
      summary: `${lost.length} ${lost.length === 1 ? 'log of a tracker lies' : 'logs of a tracker lie'} on the box alone, and would go with it`,
      detail: lost.slice(0, detailLimit),
      fix: `Add ${globFor(lost[0] as string)} to the plan's artifacts, then verify again.`,
    }
  if (kind === 'none') return { result: 'not-applicable', reason: 'tracking is off', summary: 'no tracker' }
  if (kind === 'wandb')
    return {
      result: 'unknown',
      reason: 'kx has not asked the tracker',
      summary: 'a hosted tracker keeps its own records',
    }
  const wanted = { plain: /(^|\/)metrics\.jsonl$/, tensorboard: /tfevents/, mlflow: /(^|\/)mlruns\/|\.db$/ }[kind]
  const files = manifest.files.filter((f) => wanted.test(f.path) && isCopied(f)).length
  return {
    result: files > 0 ? 'pass' : 'fail',
    summary: files > 0 ? `${files} files of the tracker are pulled` : `no files of the tracker (${kind}) are pulled`,
  }
}

/** The pattern that a person would write: any unit, any run. */
const globFor = (path: string): string =>
  path
    .replace(/^units\/[^/]+\//, 'units/*/')
    .replace(/offline-run-[^/]+\/run-[^/]+\.wandb$/, 'offline-run-*/*.wandb')
    .replace(/events\.out\.tfevents\.[^/]+$/, 'events.out.tfevents.*')

const noStore: Verdict = {
  result: 'not-applicable',
  reason: 'the artifacts lie beside the run, in no object store',
  summary: 'no object store',
}

/** Items of the gate teardown/verify, in order (handbook lifecycle 6.7). */
export function verifyItems(facts: VerifyFacts): readonly CheckedItem[] {
  const rules: readonly (readonly [ItemSpec, Verdict])[] = [
    [teardownItems.aggregate, aggregate(facts)],
    [teardownItems.count, count(facts)],
    [teardownItems.pull, pull(facts)],
    [teardownItems.hash, hash(facts)],
    [teardownItems.structure, structure(facts)],
    [teardownItems.load, load(facts)],
    [teardownItems['all-ok'], allOk(facts)],
    [teardownItems['nothing-newer'], nothingNewer(facts)],
    [teardownItems.facts, paperFacts(facts)],
    [teardownItems['tracker-survives'], trackerSurvives(facts)],
    [teardownItems['target-neutral'], targetNeutral(facts)],
    [teardownItems['artifact-uris'], noStore],
  ]
  return rules.map(([spec, verdict]) => checked(spec, verdict, facts, facts.overrides[spec.id]))
}
