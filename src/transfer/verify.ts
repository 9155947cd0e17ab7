import { join } from 'node:path'
import { openForStructure, sha256Plain } from '../artifact/local-store.ts'
import { readManifest } from '../artifact/manifest.ts'
import { pathProblem } from '../artifact/names.ts'
import { readPulled } from '../artifact/pulled-record.ts'
import { expandRoster, type RosterFile } from '../artifact/roster.ts'
import { checkStructure } from '../artifact/structure/check.ts'
import { type FileFacts, factsOf } from '../host/transfer/facts.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { launchedFolder } from '../run/box-folder.ts'
import { messageOf } from '../run/errors.ts'
import { isUnderAny, matchesGlob } from '../spec/glob.ts'
import type { ArtifactKind } from '../spec/schema.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { artifactsFolder, chosen } from './common.ts'

const mostNames = 20
/** Hashed there in one call. */
const batchFiles = 2000

type Against = 'same' | 'differs' | 'gone' | 'unknown'

export interface VerifiedFile {
  readonly path: string
  readonly sha256: string | null
  /** Against what was recorded when it came: null where nothing was. */
  readonly isAsPulled: boolean | null
  readonly onBox: Against
  /** V0 not here, V1 here and not proved, V3 the hash of both ends is the same, V4 and it is whole by its format. */
  readonly level: 'V0' | 'V1' | 'V3' | 'V4'
  readonly problem: string | null
}

type Box =
  | { readonly kind: 'known'; readonly files: readonly RosterFile[]; readonly facts: ReadonlyMap<string, FileFacts> }
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * Reads every pulled file again: against what was recorded when it came, against the hash that the box computes now, and
 * by its format. Copies nothing, changes nothing. Exit 0 all is well; 1 a file is damaged, missing here or another one on
 * the box; 4 the box did not say.
 */
export async function verifyPulled(ctx: ActContext, args: { readonly only?: string | undefined }): Promise<ActResult> {
  const into = artifactsFolder(ctx)
  const recorded = await recordedHashes(into)
  const box = await lookAtBox(ctx, args.only)
  const onBox = new Map(box.kind === 'known' ? box.files.map((file) => [file.path, file]) : [])
  const isChosen = (path: string) => args.only === undefined || isUnderAny(path, [args.only])
  const paths = [...new Set([...recorded.keys(), ...onBox.keys()])].filter(isChosen).sort()
  const files: VerifiedFile[] = []
  for (const [i, path] of paths.entries()) {
    ctx.progress({ text: sanitiseLine(path), done: i, total: paths.length })
    const kind = onBox.get(path)?.kind ?? kindOf(ctx, path)
    files.push(await judge(ctx, into, path, kind, recorded.get(path) ?? null, box))
  }
  return answer(ctx, files, box)
}

/**
 * The results of several hosts as the teardown put them together: read again against the manifest that it wrote, and by
 * their format. No host is asked, so this is the same before and after its folder is gone. Null: nothing was put together
 * yet. Exit 0 all is well; 1 a file is damaged or missing.
 */
export async function verifyTogether(
  ctx: ActContext,
  args: { readonly only?: string | undefined },
): Promise<ActResult | null> {
  const into = artifactsFolder(ctx)
  const manifest = await readManifest(into)
  if (manifest === null) return null
  const recorded = await recordedHashes(into)
  const unproved = manifest.manifest.files.filter((file) => !recorded.has(file.path) && pathProblem(file.path) === null)
  const isChosen = (path: string) => args.only === undefined || isUnderAny(path, [args.only])
  const paths = [...recorded.keys(), ...unproved.map((file) => file.path)].filter(isChosen).sort()
  const box: Box = { kind: 'unknown', reason: 'they were put together here' }
  const files: VerifiedFile[] = []
  for (const [i, path] of paths.entries()) {
    ctx.progress({ text: sanitiseLine(path), done: i, total: paths.length })
    files.push(await judge(ctx, into, path, kindOf(ctx, path), recorded.get(path) ?? null, box))
  }
  const bad = files.filter((file) => file.problem !== null)
  const whole = files.filter((file) => file.level === 'V4').length
  const lines = bad.map(({ path, problem }) => sanitiseLine(`${path}: ${problem}`, 500))
  const summary =
    files.length === 0
      ? 'nothing of what was put together is asked for'
      : `${files.length - bad.length} of ${plural(files.length, 'file')} as the teardown put them together, ${whole} whole by their format`
  return { summary, lines: lines.slice(0, mostNames), exitCode: bad.length > 0 ? 1 : 0, data: { folder: into, files } }
}

/** By path: what a manifest or a pull proved at both ends. The later of two holds, which is that of the pull. */
async function recordedHashes(into: string): Promise<ReadonlyMap<string, string>> {
  const manifest = await readManifest(into)
  const found = new Map<string, string>()
  for (const { path, sha256Local, sha256Remote } of manifest?.manifest.files ?? [])
    if (sha256Local !== null && sha256Local === sha256Remote && pathProblem(path) === null) found.set(path, sha256Local)
  const madeAt = manifest?.manifest.createdAtMs ?? 0
  for (const [path, { sha256, pulledAtMs }] of await readPulled(into))
    if (pulledAtMs >= madeAt || !found.has(path)) found.set(path, sha256)
  return found
}

const kindOf = (ctx: ActContext, path: string): ArtifactKind =>
  ctx.loaded.plan.artifacts.find(({ glob }) => matchesGlob(path, glob))?.kind ?? 'other'

async function lookAtBox(ctx: ActContext, only: string | undefined): Promise<Box> {
  const { host, signal } = ctx
  const folder = launchedFolder(await ctx.run.refresh())
  if (folder === null) return { kind: 'unknown', reason: 'nothing was launched' }
  try {
    if ((await host.stat(folder)) === null) return { kind: 'unknown', reason: `${folder} is not there any more` }
    const files = chosen((await expandRoster(host, folder, ctx.loaded.plan.artifacts, signal)).files, only)
    const facts = new Map<string, FileFacts>()
    for (let at = 0; at < files.length; at += batchFiles) {
      const batch = files.slice(at, at + batchFiles)
      ctx.progress({ text: `hashing on ${host.name}`, done: at, total: files.length })
      const bytes = batch.reduce((sum, file) => sum + file.bytes, 0)
      const paths = batch.map((file) => file.path)
      for (const [path, each] of await factsOf(host, folder, paths, { isHashed: true, bytes, signal }))
        facts.set(path, each)
    }
    return { kind: 'known', files, facts }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'unknown', reason: messageOf(error) }
  }
}

async function judge(
  ctx: ActContext,
  into: string,
  path: string,
  kind: ArtifactKind,
  recorded: string | null,
  box: Box,
): Promise<VerifiedFile> {
  const local = join(into, path)
  const here = await sha256Plain(local, ctx.signal)
  const facts = box.kind === 'known' ? box.facts.get(path) : undefined
  const against: Against =
    box.kind === 'unknown' || (facts !== undefined && facts.sha256 === null)
      ? 'unknown'
      : facts === undefined
        ? 'gone'
        : facts.sha256 === here?.sha256
          ? 'same'
          : 'differs'
  const base = { path, sha256: here?.sha256 ?? null, onBox: against }
  if (here === null)
    return {
      ...base,
      isAsPulled: null,
      level: 'V0',
      problem: recorded === null ? 'not pulled' : 'pulled, and gone here',
    }
  const isAsPulled = recorded === null ? null : recorded === here.sha256
  if (isAsPulled === false && against !== 'same')
    return { ...base, isAsPulled, level: 'V1', problem: 'it is not what was pulled: it changed here' }
  if (against === 'differs')
    return { ...base, isAsPulled, level: 'V1', problem: 'another one lies on the box now: pull it again' }
  if (recorded === null && against !== 'same')
    return { ...base, isAsPulled, level: 'V1', problem: 'nothing says what it should be' }
  const opened = await openForStructure(local)
  if (opened === null) return { ...base, isAsPulled, level: 'V0', problem: 'it went away while it was looked at' }
  try {
    const report = await checkStructure(kind, opened, ctx.signal)
    if (report.level === 'broken')
      return { ...base, isAsPulled, level: 'V3', problem: `broken by its format: ${report.reason ?? 'unknown'}` }
    return { ...base, isAsPulled, level: report.level === 'whole' ? 'V4' : 'V3', problem: null }
  } finally {
    await opened.close()
  }
}

function answer(ctx: ActContext, files: readonly VerifiedFile[], box: Box): ActResult {
  const bad = files.filter((file) => file.problem !== null)
  const unseen = files.filter((file) => file.problem === null && file.onBox === 'unknown').length
  const lines = [
    ...bad.map(({ path, problem }) => `${path}: ${problem}`),
    ...(box.kind === 'unknown' ? [`${ctx.host.name} did not say: ${box.reason}`] : []),
  ].map((line) => sanitiseLine(line, 500))
  for (const line of lines.slice(0, mostNames)) ctx.cell.say(line)
  if (lines.length > mostNames) ctx.cell.say(`and ${lines.length - mostNames} more; --json names them all`)
  const whole = files.filter((file) => file.level === 'V4').length
  const good = files.length - bad.length
  const summary =
    files.length === 0
      ? 'nothing was pulled, and nothing that the plan declares was seen on the box'
      : [
          `${good} of ${plural(files.length, 'file')} as they should be`,
          `${whole} whole by their format`,
          ...(unseen > 0 ? [`${unseen} only against what was recorded here`] : []),
        ].join(', ')
  ctx.cell.say(summary)
  const exitCode = bad.length > 0 ? 1 : box.kind === 'unknown' || unseen > 0 ? 4 : files.length === 0 ? 1 : 0
  return { summary, lines: lines.slice(0, mostNames), exitCode, data: { files, box: box.kind } }
}
