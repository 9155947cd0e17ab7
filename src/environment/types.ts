/** In their order; each is a cell of its own. */
export const syncSteps = ['uv', 'venv', 'packages', 'check'] as const
export type SyncStep = (typeof syncSteps)[number]

/** Where the packages of a plan lie on a host. The same lock under the same Python is one place, for every run. */
export interface EnvironmentPlace {
  /** Hash of all that decides what lies there. */
  readonly key: string
  /** `<data tier>/kx-env`. */
  readonly root: string
  /** `<root>/<key>`. */
  readonly folder: string
  readonly venv: string
  readonly interpreter: string
}

/** What is written when everything was seen to be right; while it is not there, nothing is. */
export interface Ready {
  readonly version: 1
  readonly key: string
  readonly python: string
  readonly uv: string
  readonly packages: number
  /** Version and CUDA version of torch; null: the lock has none. */
  readonly torch: string | null
  readonly cuda: string | null
  readonly atMs: number
}
