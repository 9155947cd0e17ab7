/**
 * Keys whose differences say nothing about an experiment: where it ran, when, and what it was called. Shown with what they
 * hid; a person's own list is added to it.
 */
export const noiseKeys: readonly string[] = [
  'output_dir',
  'out_dir',
  'save_dir',
  'log_dir',
  'logging_dir',
  'cache_dir',
  'work_dir',
  'run_name',
  'run_id',
  'exp_name',
  'experiment_id',
  'timestamp',
  'start_time',
  'started_at',
  'created_at',
  'date',
  'hostname',
  'host',
  'pid',
  'user',
  'username',
  'port',
  'master_port',
  'local_rank',
  'wandb_version',
  '_wandb',
  'resume_from_checkpoint',
]

/** Keys that tell repetitions of one experiment apart (handbook compare 6). */
export const seedKeys: readonly string[] = ['seed', 'random_seed', 'data_seed', 'PYTHONHASHSEED']

const plain = (name: string) => name.toLowerCase().replaceAll('-', '_')
const plainNames = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Whether the last part of a path is one of the names, in any case, with `-` read as `_`. */
export function isNamed(path: readonly string[], names: readonly string[]): boolean {
  let known = plainNames.get(names)
  if (known === undefined) {
    known = new Set(names.map(plain))
    plainNames.set(names, known)
  }
  const last = plain(path.at(-1) ?? '')
  // Trackers without nested settings write a path into the name.
  return known.has(last) || known.has(last.split(/[/.]/).at(-1) ?? '')
}

/** What a person says of a key: left out, looked at, or nothing (null), and then its name decides. */
export type IsIgnored = (key: string) => boolean | null
