import { type ContextOptions, type MadeContext, makeContext } from '../../harness/act-context.ts'
import { undoLater } from '../../harness/undo.ts'

export { type ContextOptions, localProfile, type MadeContext, smallPlan } from '../../harness/act-context.ts'

/** A run in a folder of its own, gone after the test. */
export async function contextWith(options: ContextOptions = {}): Promise<MadeContext> {
  const made = await makeContext(options)
  undoLater(() => made.stop())
  return made
}
