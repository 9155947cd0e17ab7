import { afterEach } from 'vitest'
import { type ContextOptions, type MadeContext, makeContext } from '../../harness/act-context.ts'

export { type ContextOptions, localProfile, type MadeContext, smallPlan } from '../../harness/act-context.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A run in a folder of its own, gone after the test. */
export async function contextWith(options: ContextOptions = {}): Promise<MadeContext> {
  const made = await makeContext(options)
  cleanups.push(() => made.stop())
  return made
}
