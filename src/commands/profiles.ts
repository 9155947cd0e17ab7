import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ActResult } from '../run/act.ts'
import type { Shelves } from '../session/view.ts'
import type { SourceProblem } from '../text/problem.ts'
import { profileFolders, systemClock } from './open.ts'
import type { CommandEnvironment } from './types.ts'

type LoadedProfiles = Awaited<ReturnType<typeof loaded>>
type LoadedProfile = LoadedProfiles['profiles'] extends ReadonlyMap<string, infer P> ? P : never

async function loaded() {
  const { loadProfiles } = await import('../profile/load.ts')
  return loadProfiles(await profileFolders())
}

/** Names that are there, and the one that was probably meant. */
async function noSuch(name: string, { profiles }: LoadedProfiles, exitCode: 1 | 2): Promise<ActResult> {
  const { nearest } = await import('../text/nearest.ts')
  const guess = nearest(name, profiles.keys())
  const meant = guess === null ? '.' : `; did you mean ${guess}?`
  return { summary: `no profile "${name}"${meant} There are ${[...profiles.keys()].join(', ')}`, exitCode, data: null }
}

/** A path as a person writes it. */
export function shortPath(file: string, home = homedir()): string {
  return file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file
}

/** Where the facts of a profile come from, in a few words. */
function sourceText({ origin, files }: LoadedProfile): string {
  if (origin === 'built-in') return 'built-in'
  return files.length > 1 ? 'yours, over another' : 'yours'
}

/** `kx profiles`. */
export async function listProfiles(_env: CommandEnvironment): Promise<ActResult> {
  const [found, { staleFacts }, { formatProblem }] = await Promise.all([
    loaded(),
    import('../profile/staleness.ts'),
    import('../text/problem.ts'),
  ])
  const rows = [...found.profiles].map(([id, p]) => ({
    id,
    title: p.profile.title,
    origin: p.origin,
    verified: p.profile.verified,
    files: p.files,
    stale: staleFacts(p.profile, systemClock.nowMs()).length,
  }))
  const { problems } = found
  const width = Math.max(16, ...rows.map((r) => r.id.length))
  const lines = rows.map((r) => {
    const source = sourceText(found.profiles.get(r.id) as LoadedProfile)
    const stale = r.stale === 0 ? '' : `, ${r.stale} stale`
    return `${r.id.padEnd(width)} ${r.title}  (${source}, facts of ${r.verified}${stale})`
  })
  return {
    summary: `${rows.length} profile${rows.length === 1 ? '' : 's'}${problems.length === 0 ? '' : `, ${problems.length} problems`}`,
    exitCode: problems.length === 0 ? 0 : 1,
    data: { profiles: rows, problems },
    lines: [...lines, ...problems.map(formatProblem)],
  }
}

/** `kx profile show`. */
export async function showProfile(_env: CommandEnvironment, args: { readonly name: string }): Promise<ActResult> {
  const [all, { sourcedLines }] = await Promise.all([loaded(), import('../profile/lines.ts')])
  const found = all.profiles.get(args.name)
  if (found === undefined) return noSuch(args.name, all, 1)
  const [own, ...below] = found.files.map((file) => shortPath(file))
  return {
    summary: `from ${own}${below.map((file) => `, over ${file}`).join('')}`,
    exitCode: 0,
    data: found.profile,
    lines: sourcedLines(found, systemClock.nowMs(), (file) => shortPath(file)),
  }
}

/** `kx profile check`: exit 0 nothing, 1 something is wrong or stale, 2 there is no such profile. */
export async function checkProfiles(
  _env: CommandEnvironment,
  args: { readonly name?: string | undefined },
  nowMs: number = systemClock.nowMs(),
): Promise<ActResult> {
  const [all, { checkProfile }, { scanForSecrets }, { formatProblem }, { plural }] = await Promise.all([
    loaded(),
    import('../profile/check.ts'),
    import('../plan/rules/secret-scan.ts'),
    import('../text/problem.ts'),
    import('../text/format.ts'),
  ])
  const { name } = args
  if (name !== undefined && !all.profiles.has(name) && !all.problemsOf.has(name)) return noSuch(name, all, 2)
  const names = name === undefined ? [...all.profiles.keys()] : [name]
  const findings = names.flatMap((each) => {
    const found = all.profiles.get(each)
    const said = found === undefined ? [] : checkProfile(found, { nowMs, secretsIn: scanForSecrets })
    return said.map((finding) => ({ profile: each, ...finding }))
  })
  const problems: readonly SourceProblem[] = name === undefined ? all.problems : (all.problemsOf.get(name) ?? [])
  // A fact that several profiles take from one file is named once.
  const lines = new Set<string>([
    ...problems.map((problem) => `error ${formatProblem(problem)}`),
    ...findings.map((finding) => `${finding.severity.padEnd(5)} ${formatProblem(finding)}`),
  ])
  const wrong = problems.length + findings.filter((finding) => finding.severity === 'error').length
  const stale = findings.filter((finding) => finding.rule === 'stale').length
  const what = plural(names.length, 'profile')
  return {
    summary:
      lines.size === 0
        ? `${what}: nothing contradicts itself, nothing is stale`
        : `${what}: ${wrong} wrong, ${stale} stale (verified six months ago or more)`,
    exitCode: lines.size === 0 ? 0 : 1,
    data: { checked: names, problems, findings },
    lines: [...lines],
  }
}

/** `kx profile diff a b`: every field in which two profiles differ. Exit 2: one of them is not there. */
export async function diffOfProfiles(
  _env: CommandEnvironment,
  args: { readonly a: string; readonly b: string },
): Promise<ActResult> {
  const [all, { diffLines, diffProfiles }, { plural }] = await Promise.all([
    loaded(),
    import('../profile/diff.ts'),
    import('../text/format.ts'),
  ])
  const [a, b] = [all.profiles.get(args.a), all.profiles.get(args.b)]
  if (a === undefined) return noSuch(args.a, all, 2)
  if (b === undefined) return noSuch(args.b, all, 2)
  const differences = diffProfiles(a.profile, b.profile)
  return {
    summary: `${args.a} and ${args.b} differ in ${plural(differences.length, 'field')}`,
    exitCode: 0,
    data: { a: args.a, b: args.b, differences },
    lines: diffLines([args.a, args.b], differences),
  }
}

/** `kx profile acknowledge`: shows conveniences and danger clocks of a platform, and notes that a person has read them. */
export async function acknowledgeProfile(
  env: CommandEnvironment,
  args: { readonly name?: string | undefined },
): Promise<ActResult> {
  if (args.name === undefined) return { summary: 'put the cursor on a platform, or name one', exitCode: 2, data: null }
  const [all, { acknowledgeClocks, unreadClocks }, { firstContactLines }, { plural }] = await Promise.all([
    loaded(),
    import('../run/read-clocks.ts'),
    import('../profile/first-contact.ts'),
    import('../text/format.ts'),
  ])
  const found = all.profiles.get(args.name)
  if (found === undefined) return noSuch(args.name, all, 2)
  const { profile } = found
  const unread = unreadClocks(profile)
  const lines = firstContactLines(profile, unread)
  const data = { platform: profile.platform, unread, conveniences: profile.conveniences }
  if (unread.length === 0) {
    const why = profile.dangerClocks.length === 0 ? 'has no danger clock' : 'is read already'
    return { summary: `${profile.title} ${why}`, exitCode: 0, data, lines }
  }
  const clocks = plural(unread.length, 'danger clock')
  if (!(await env.ask.confirm(`${profile.title}: are its ${clocks} read?`, lines)))
    return { summary: `${clocks} of ${profile.title} not acknowledged`, exitCode: 3, data, lines }
  acknowledgeClocks(profile, unread, { who: env.who, atMs: systemClock.nowMs() })
  return { summary: `${clocks} of ${profile.title} read by ${env.who}`, exitCode: 0, data }
}

type ProfileShelf = NonNullable<Shelves['profiles']>

let shelf: { readonly of: LoadedProfiles; readonly stamp: string; readonly rows: ProfileShelf } | null = null

/** What the profiles screen shows. The very same rows as before while no file and no acknowledgement has changed. */
export async function profileShelf(nowMs: number = systemClock.nowMs()): Promise<ProfileShelf> {
  const [{ rememberedProfiles }, { userFolders }, { statSync }, folders] = await Promise.all([
    import('../profile/remembered.ts'),
    import('../session/paths.ts'),
    import('node:fs'),
    profileFolders(),
  ])
  const found = await rememberedProfiles(folders)
  const index = statSync(join(userFolders(process.env).state, 'index.jsonl'), { throwIfNoEntry: false })
  const stamp = `${index?.size} ${index?.mtimeMs} ${new Date(nowMs).toISOString().slice(0, 7)}`
  if (shelf?.of === found && shelf.stamp === stamp) return shelf.rows
  const [{ checkProfile }, { sourcedLines }, { unreadClocks }, { formatProblem }] = await Promise.all([
    import('../profile/check.ts'),
    import('../profile/lines.ts'),
    import('../run/read-clocks.ts'),
    import('../text/problem.ts'),
  ])
  const rows = [...found.profiles].map(([id, p]): ProfileShelf[number] => {
    const findings = checkProfile(p, { nowMs })
    const wrong = [
      ...findings.filter((f) => f.rule !== 'stale').map(formatProblem),
      ...(found.problemsOf.get(id) ?? []).map(formatProblem),
    ]
    return {
      id,
      title: p.profile.title,
      lines: sourcedLines(p, nowMs, (file) => shortPath(file)),
      note: `${sourceText(p)}, facts of ${p.profile.verified}`,
      stale: findings.filter((f) => f.rule === 'stale').length,
      overriddenBy:
        p.origin === 'user' ? p.files.slice(0, p.files.length > 1 ? -1 : 1).map((file) => shortPath(file)) : [],
      unread: unreadClocks(p.profile).length,
      wrong,
    }
  })
  shelf = { of: found, stamp, rows }
  return rows
}
