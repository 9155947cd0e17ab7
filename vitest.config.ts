import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Files that stand in for a module, or look at what is loaded, get a worker of their own. */
const apart = 'test/**/*.apart.test.{ts,tsx}'

interface Kind {
  readonly name: string
  readonly include: readonly string[]
  /** Deadline of one test, in milliseconds; generous, for machines that do much else. */
  readonly testTimeout: number
  /** Each file in a process of its own. Without it the files of a project share workers, see test/harness/each-file.ts. */
  readonly isolate?: boolean
  readonly fileParallelism?: boolean
  readonly globalSetup?: string
}

/** One project a kind of test, so that a slice can be run alone: `npx vitest run --project unit`. */
const project = ({ name, include, testTimeout, isolate = false, fileParallelism = true, globalSetup }: Kind) => ({
  // Production React has no development runtime for JSX.
  oxc: { jsx: { development: false } },
  test: {
    name,
    include: [...include],
    exclude: name === 'apart' ? [] : [apart],
    testTimeout,
    hookTimeout: 120_000,
    isolate,
    fileParallelism,
    globalSetup: globalSetup === undefined ? [] : [globalSetup],
    setupFiles: ['test/harness/each-file.ts'],
    env: { NODE_ENV: 'production', TZ: 'UTC' },
  },
})

export default defineConfig({
  test: {
    // Tests wait more than they compute: by itself it would run fewer files at once than there are cores.
    maxWorkers: availableParallelism(),
    projects: [
      project({ name: 'apart', include: [apart], testTimeout: 60_000, isolate: true }),
      project({ name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], testTimeout: 60_000 }),
      project({ name: 'ui', include: ['test/ui/**/*.test.{ts,tsx}'], testTimeout: 60_000 }),
      project({ name: 'formats', include: ['test/formats/**/*.test.ts'], testTimeout: 60_000 }),
      project({ name: 'hosts', include: ['test/hosts/**/*.test.ts'], testTimeout: 60_000 }),
      project({ name: 'engines', include: ['test/engines/**/*.test.ts'], testTimeout: 120_000 }),
      project({ name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 120_000, isolate: true }),
      project({
        name: 'crash',
        include: ['test/crash/**/*.test.ts'],
        testTimeout: 1_800_000,
        isolate: true,
        fileParallelism: false,
        globalSetup: 'test/crash/tally.ts',
      }),
      project({
        name: 'e2e',
        include: ['test/e2e/**/*.test.ts'],
        testTimeout: 400_000,
        isolate: true,
      }),
    ],
  },
})
