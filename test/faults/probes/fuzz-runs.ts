/** Fuzzed outputs a test: a few thousand in every run of the tests, all 100,000 in the long one. */
export const fuzzRuns = process.env.KX_FAULTS_FULL === '1' || process.env.KX_FULL === '1' ? 100_000 : 3000
