import { defineConfig } from 'vitest/config'

/** One project a kind of test, so that a slice can be run alone: `npx vitest run --project unit`. */
const project = (
  name: string,
  include: string[],
  testTimeout: number,
  fileParallelism = true,
  globalSetup: string[] = [],
) => ({
  // Production React has no development runtime for JSX.
  oxc: { jsx: { development: false } },
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: 120_000,
    fileParallelism,
    globalSetup,
    env: { NODE_ENV: 'production', TZ: 'UTC' },
  },
})

export default defineConfig({
  test: {
    // By itself it leaves a core to whoever watches: on two cores that is one file after the other.
    maxWorkers: '100%',
    projects: [
      project('unit', ['test/unit/**/*.test.{ts,tsx}'], 20_000),
      project('ui', ['test/ui/**/*.test.{ts,tsx}'], 30_000),
      project('formats', ['test/formats/**/*.test.ts'], 60_000),
      project('hosts', ['test/hosts/**/*.test.ts'], 60_000),
      project('engines', ['test/engines/**/*.test.ts'], 120_000),
      project('faults', ['test/faults/**/*.test.ts'], 120_000),
      project('crash', ['test/crash/**/*.test.ts'], 1_800_000, false, ['test/crash/tally.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], 400_000, false),
    ],
  },
})
