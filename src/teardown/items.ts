import type { ItemSpec } from '../walk/item.ts'

const verify = (id: string, title: string, fix: string, severity: ItemSpec['severity'] = 'error'): ItemSpec => ({
  id: `teardown.${id}`,
  title,
  gate: 'teardown/verify',
  severity,
  how: 'auto',
  fix,
})
const permit = (id: string, title: string, fix: string, extra: Partial<ItemSpec> = {}): ItemSpec => ({
  id: `teardown.${id}`,
  title,
  gate: 'teardown/permit',
  severity: 'error',
  how: 'auto',
  fix,
  ...extra,
})

/** The teardown items (handbook lifecycle 6.7). */
export const teardownItems = {
  aggregate: verify(
    'aggregate',
    'Steps after the last unit ended well',
    'Read after/<step>/log, mend the step and relaunch: finished units are skipped.',
  ),
  count: verify(
    'count',
    'Artifacts on the box equal the declared roster',
    'Relaunch the units whose files are missing, or correct the globs of the plan.',
  ),
  pull: verify('pull', 'Every declared file was pulled', 'Verify again: transfers resume where they stopped.'),
  'target-neutral': verify(
    'target-neutral',
    'What is shared names no personal path',
    'Keep the run under a neutral folder.',
    'warn',
  ),
  hash: verify(
    'hash',
    'SHA-256 on the box equals SHA-256 of the re-read copy',
    'Verify again; if it stays, test disk and memory.',
  ),
  structure: verify(
    'structure',
    'Each file is whole by its format',
    'Let the unit write the file again, or waive with a written reason: the listed files may be useless.',
  ),
  load: verify(
    'load',
    'Checkpoints load in the environment of the run',
    'Load each checkpoint on the box, weights only.',
  ),
  'all-ok': verify('all-ok', 'Verified n of n, no errors', 'Mend what the other items name, then verify again.'),
  'nothing-newer': verify(
    'nothing-newer',
    'Nothing on the box is newer than the manifest',
    'Wait until nothing writes any more, then verify again.',
  ),
  facts: verify(
    'facts',
    'Facts for the paper are recorded',
    'Declare env_fingerprint.json among the artifacts.',
    'warn',
  ),
  'tracker-survives': verify(
    'tracker-survives',
    'The tracker’s records outlive the box',
    'Declare the tracker’s files among the artifacts.',
    'warn',
  ),
  'artifact-uris': verify(
    'artifact-uris',
    'Addresses of stored artifacts are recorded',
    'Store large files, record where.',
    'warn',
  ),
  approval: permit('approval', 'A person consented to this very act', 'Type the name that is asked for.', {
    how: 'person',
  }),
  'verb-effect': permit('verb-effect', 'What the act really does is known and shown', 'Add the verb to the profile.'),
  order: permit('order', 'Durable storage goes last', 'Keep it until the paper is in.', {
    severity: 'warn',
    how: 'both',
  }),
  'no-log-proof': permit('no-log-proof', 'No log was taken for evidence', 'Verify the artifacts.'),
  gone: permit(
    'gone',
    'What was removed was seen gone twice',
    'Look at the host; until then it counts as still there.',
  ),
  instance: permit('instance', 'The machine is ended on success and on failure', 'End it.'),
  volumes: permit('volumes', 'No detached volume is left', 'Delete it.'),
  receipt: permit('receipt', 'The receipt of the teardown is complete', 'Run the teardown again.'),
} as const satisfies Readonly<Record<string, ItemSpec>>

/**
 * Items that a written reason may waive before the manifest is made. The hash, the pull and "nothing newer" never
 * (handbook lifecycle 11: structure and load may be skipped, V3 may not); count and aggregate, because a run that
 * failed half-way must be removable too, and what is missing is then named in the proof.
 */
export const waivable: readonly string[] = [
  teardownItems.aggregate.id,
  teardownItems.count.id,
  teardownItems.structure.id,
  teardownItems.load.id,
]
