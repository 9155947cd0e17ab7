import type { ActResult } from '../run/act.ts'
import type { SourceProblem } from '../text/problem.ts'
import { loadSettings, profileFolders } from './open.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx profiles`. */
export async function listProfiles(_env: CommandEnvironment): Promise<ActResult> {
  const [{ loadProfiles }, { formatProblem }] = await Promise.all([
    import('../profile/load.ts'),
    import('../text/problem.ts'),
  ])
  const { profiles, problems } = await loadProfiles(await profileFolders())
  const lines = [...profiles].map(
    ([id, p]) => `${id.padEnd(16)} ${p.profile.title}  (${p.origin}, facts of ${p.profile.verified})`,
  )
  return {
    summary: `${profiles.size} profile${profiles.size === 1 ? '' : 's'}${problems.length === 0 ? '' : `, ${problems.length} problems`}`,
    exitCode: problems.length === 0 ? 0 : 1,
    data: {
      profiles: [...profiles].map(([id, p]) => ({
        id,
        title: p.profile.title,
        origin: p.origin,
        verified: p.profile.verified,
      })),
      problems,
    },
    lines: [...lines, ...problems.map(formatProblem)],
  }
}

/** `kx profile show`. */
export async function showProfile(_env: CommandEnvironment, args: { readonly name: string }): Promise<ActResult> {
  const [{ loadProfiles }, { profileLines }] = await Promise.all([
    import('../profile/load.ts'),
    import('../profile/lines.ts'),
  ])
  const { profiles } = await loadProfiles(await profileFolders())
  const found = profiles.get(args.name)
  if (found === undefined)
    return {
      summary: `no profile "${args.name}"; there are ${[...profiles.keys()].join(', ')}`,
      exitCode: 1,
      data: null,
    }
  return {
    summary: `from ${found.files[0] ?? 'unknown'}`,
    exitCode: 0,
    data: found.profile,
    lines: profileLines(found.profile, Date.now()),
  }
}

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
