import type { How, Severity } from '../../walk/item.ts'

interface Row {
  readonly title: string
  readonly severity: Severity
  readonly how: How
  readonly fix: string
}
const row = (title: string, severity: Severity, how: How, fix: string): Row => ({ title, severity, how, fix })

/** The fixed part of every item of the plan gate (handbook lifecycle 6.1 and 8). Config items are made per plan. */
export const planItems = {
  'plan.goal': row(
    'The goal says what changes, which way and by how much',
    'warn',
    'both',
    'Write one sentence with a direction and a number under goal.',
  ),
  'plan.data-size': row(
    'Data are as large as declared',
    'warn',
    'auto',
    'Correct bytes and rows under data, or fetch the right files.',
  ),
  'plan.performance-target': row(
    'A number says when the run is a success',
    'warn',
    'auto',
    'Give the primary metric a target.',
  ),
  'plan.service-level': row(
    'It is known by when the result is needed',
    'info',
    'both',
    'Write a deadline that lies ahead, or leave it out.',
  ),
  'plan.budget': row('Money, hours and GPU-hours have a cap', 'error', 'auto', 'Write positive numbers under budget.'),
  'plan.modular-code': row(
    'Library code stands apart from experiments',
    'info',
    'both',
    'Move shared code into src/ or a package.',
  ),
  'plan.dataflow': row(
    'Stages hang together: data, units, steps after, artifacts',
    'info',
    'auto',
    'Add an after step that combines what the units made.',
  ),
  'plan.data-sources': row(
    'Every source has an address, a size and an origin',
    'warn',
    'auto',
    'Add bytes and source to each entry under data.',
  ),
  'plan.data-storage': row('There is a tier to keep data on', 'warn', 'both', 'Choose a profile with a data tier.'),
  'plan.data-version': row(
    'The data version is pinned by a hash',
    'warn',
    'auto',
    'Add sha256 to each entry under data.',
  ),
  'plan.data-provenance': row(
    'It is written down where the data came from',
    'warn',
    'both',
    'Add source and licence to each entry under data.',
  ),
  'plan.data-retention': row(
    'It is decided how long data and outputs are kept',
    'info',
    'person',
    'Look at retention and tick this off.',
  ),
  'plan.data-access': row(
    'It is decided who may read data and results',
    'warn',
    'person',
    'Check who has access and tick this off.',
  ),
  'plan.infra-target': row(
    'The profile is known and is one of the candidates',
    'error',
    'auto',
    'Name an existing profile under profiles; see `kx profiles`.',
  ),
  'plan.node-type': row(
    'CPU or GPU is chosen and does not contradict itself',
    'error',
    'auto',
    'Make resources.compute agree with resources.gpus.',
  ),
  'plan.quota': row(
    'Quota or allocation is granted',
    'warn',
    'person',
    'Ask the platform for the quota and tick this off.',
  ),
  'plan.scale-ladder': row(
    'A smaller run came before the full one',
    'warn',
    'auto',
    'Run a few units of the same code first.',
  ),
  'plan.container': row('The image is pinned by digest', 'warn', 'auto', 'Write the reference as name@sha256:….'),
  'plan.container-hygiene': row(
    'The Dockerfile is in good order',
    'info',
    'auto',
    'Add a non-root USER, a HEALTHCHECK, a second stage and a .dockerignore.',
  ),
  'plan.image-store': row(
    'The image lies in a registry',
    'info',
    'auto',
    'Push it to a registry and name that in the reference.',
  ),
  'plan.lockfile': row(
    'Third-party packages are locked to exact versions',
    'error',
    'auto',
    'Pin every line exactly, name the lock file in the plan and add it to git.',
  ),
  'plan.package-manager': row(
    'One installer does it all',
    'warn',
    'auto',
    'Keep one package manager and remove the files of the other.',
  ),
  'plan.dev-dependencies': row(
    'Development packages are kept apart',
    'info',
    'auto',
    'Move them into a group of their own in the project file.',
  ),
  'plan.task-runner': row(
    'Build, test and run are named tasks',
    'info',
    'auto',
    'Add a Makefile, justfile or package scripts.',
  ),
  'plan.run-config': row(
    'The run keeps its own resolved configuration',
    'error',
    'auto',
    'Make every file under configFiles readable.',
  ),
  'plan.config-self-contained': row(
    'Configuration stands alone, without includes',
    'info',
    'auto',
    'Write the included values out.',
  ),
  'plan.seeds': row(
    'The seed reaches the program',
    'error',
    'auto',
    'Use {seed} in the command, or read KX_SEED in the program.',
  ),
  'plan.determinism': row(
    'Deterministic algorithms are switched on',
    'warn',
    'both',
    'Switch them on and set CUBLAS_WORKSPACE_CONFIG=:4096:8, or say why not.',
  ),
  'plan.fingerprint': row(
    'An environment fingerprint will be written',
    'error',
    'auto',
    'Write env_fingerprint.json in the unit folder and declare it under artifacts.',
  ),
  'plan.tracker': row('Experiment tracking is chosen', 'warn', 'auto', 'Set tracking.kind to plain or to a tracker.'),
  'plan.artifacts-declared': row(
    'What must survive is declared',
    'error',
    'auto',
    'Make the minimum counts fit the number of units.',
  ),
  'plan.scheduler-template': row(
    'The scheduler job is described',
    'warn',
    'auto',
    'Add time limit and resources for the scheduler.',
  ),
  'plan.checkpointing': row(
    'Long work saves and resumes',
    'error',
    'auto',
    'Declare checkpoints and save to KX_CHECKPOINT_DIR.',
  ),
  'plan.unit-split': row(
    'The work is split into named units',
    'warn',
    'both',
    'Split the work into units that do not need each other.',
  ),
  'plan.unit-dependence': row(
    'Units that need each other do not run side by side',
    'error',
    'both',
    'Set units.sequential with one worker, or take the dependence out.',
  ),
  'plan.write-paths': row(
    'Every unit writes to a place of its own',
    'error',
    'auto',
    'Write under KX_UNIT_DIR, or put {unit} into the output path.',
  ),
  'plan.spec': row(
    'The experiment is specified: metric, baseline, success, limits',
    'warn',
    'both',
    'Add what is named as missing.',
  ),
  'plan.abort-criteria': row(
    'The run knows when to stop itself',
    'warn',
    'auto',
    'Set abort.wallHours to 3 to 5 times the expectation, and keep abort.nan on.',
  ),
  'plan.profile-first': row(
    'Mounts come from the profile, not from the plan',
    'error',
    'auto',
    'Replace the literal mount by KX_UNIT_DIR or a relative path.',
  ),
  'plan.danger-clocks': row(
    'The platform’s clocks and conveniences were shown',
    'error',
    'both',
    'Read and acknowledge them: kx profile acknowledge.',
  ),
  'plan.durable-size': row(
    'Disk asked for holds checkpoints, scratch and artifacts',
    'error',
    'auto',
    'Raise resources.diskBytes, or keep fewer checkpoints.',
  ),
  'plan.required-inputs': row(
    'Everything the run needs to start is there and will be sent',
    'error',
    'auto',
    'Put the file in place, inside the code roots and not ignored by git.',
  ),
  'plan.secrets-by-name': row(
    'No secret value stands in a file',
    'error',
    'auto',
    'Take the value out, change it at its issuer, and name the variable under secrets.',
  ),
  'plan.access-control': row(
    'Access to data and machines is restricted',
    'warn',
    'person',
    'Check the rights and tick this off.',
  ),
  'data.exists': row('Data files exist and are not empty', 'error', 'auto', 'Fetch the data, or correct the path.'),
  'data.container': row(
    'Data files can be read as what they are',
    'error',
    'auto',
    'Fetch the file again; look at the rows named.',
  ),
  'data.finite': row(
    'The sample has no NaN and no infinity',
    'error',
    'auto',
    'Clean the data, or mark missing values by an empty cell.',
  ),
  'data.not-constant': row('Values vary', 'error', 'auto', 'Look whether the right file was exported.'),
  'data.range': row('Values stay within 1e10', 'warn', 'auto', 'Look at units and scaling.'),
  'data.download-size': row('Size equals the declared size', 'warn', 'auto', 'Fetch the data again.'),
  'data.hash': row(
    'SHA-256 equals the declared one',
    'error',
    'auto',
    'Fetch the data again, or correct the hash if the change is meant.',
  ),
  'data.sample-honest': row(
    'The share that was looked at is stated',
    'warn',
    'auto',
    'Look at more of the file by other means.',
  ),
} as const satisfies Readonly<Record<string, Row>>

export type PlanItemId = keyof typeof planItems
