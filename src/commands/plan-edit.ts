import { readFileSync } from 'node:fs'
import type { ActResult } from '../run/act.ts'
import { plural } from '../text/format.ts'
import { recordedBeside } from './recorded.ts'
import type { CommandEnvironment } from './types.ts'

/**
 * Hands the plan file to an editor and puts what came of it into the notebook: which lines, and the hashes of before and
 * after. Null: it was left as it is, and nothing was done.
 *
 * @param edit settles when the editor is closed
 */
export async function editPlan(
  env: CommandEnvironment,
  file: string,
  edit: () => Promise<void>,
): Promise<ActResult | null> {
  const before = textOf(file)
  await edit()
  const after = textOf(file)
  if (before === after) return null
  const [{ sha256Hex }, { diffLines }] = await Promise.all([
    import('../run/journal-line.ts'),
    import('../notebook/diff.ts'),
  ])
  const digest = (text: string | null) => (text === null ? null : sha256Hex(Buffer.from(text)))
  const linesOf = (text: string | null) => (text === null ? [] : text.replace(/\n$/, '').split('\n'))
  const diff = diffLines(linesOf(before), linesOf(after))
  const changed = diff.filter(({ sign }) => sign === '-' || sign === '+').length
  const summary =
    after === null ? 'the plan file is gone' : `the plan was changed: ${plural(changed, 'line')} of a diff`
  const args = { file, before: digest(before), after: digest(after) }
  return recordedBeside(env, 'plan.edit', args, async () => ({
    summary,
    exitCode: 0,
    data: args,
    lines: diff.map(({ sign, text }) => `${sign} ${text}`),
  }))
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
