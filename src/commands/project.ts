import type { ActResult } from '../run/act.ts'
import type { SourceProblem } from '../text/problem.ts'
import { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'

/** What is wrong with the keys of a person, each where it was written. */
async function keyProblems({
  config,
  origin,
}: Awaited<ReturnType<typeof loadSettings>>): Promise<readonly SourceProblem[]> {
  const [{ buildKeymap }, { allCommands }] = await Promise.all([import('./keymap.ts'), import('./list/all.ts')])
  return buildKeymap(allCommands().specs, config.keys).problems.map(({ commandId, text }) => {
    const key = `keys.${commandId}`
    const from = origin[key]
    return {
      file: from?.file ?? 'settings',
      line: from?.line ?? 1,
      column: 1,
      key,
      message: text.slice(key.length + 2),
    }
  })
}

/** `kx config`. */
export async function showConfig(env: CommandEnvironment): Promise<ActResult> {
  const [settings, { configLines }, { formatProblem }] = await Promise.all([
    loadSettings(env.projectFolder, env.settings),
    import('../config/lines.ts'),
    import('../text/problem.ts'),
  ])
  const problems = [...settings.problems, ...(await keyProblems(settings))]
  const bad = problems.length > 0
  return {
    summary: bad
      ? `${problems.length} problem${problems.length === 1 ? '' : 's'}; the values above are what holds`
      : '',
    exitCode: bad ? 1 : 0,
    data: { config: settings.config, origin: settings.origin, problems },
    lines: [...configLines(settings), ...problems.map(formatProblem)],
  }
}

/** `kx schema`: JSON Schema of the plan file. */
export async function planSchemaJson(): Promise<ActResult> {
  const { planJsonSchema } = await import('../spec/json-schema.ts')
  const schema = planJsonSchema()
  return { summary: '', exitCode: 0, data: schema, lines: JSON.stringify(schema, null, 2).split('\n') }
}

/** `kx new`: a commented plan from a few answers. */
export async function newPlan(env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult> {
  const { writeNewPlan } = await import('../plan/new.ts')
  const { config } = await loadSettings(env.projectFolder, env.settings)
  const file = await writeNewPlan(env.projectFolder, config.planFile, args)
  return { summary: `wrote ${file}; read it, then check it (kx plan)`, exitCode: 0, data: { file } }
}
