import type { PulledFile } from '../artifact/pull.ts'
import { pullFiles } from '../artifact/pull-files.ts'
import { notePulled } from '../artifact/pulled-record.ts'
import { checkSpace, NoSpace } from '../artifact/room.ts'
import { expandRoster } from '../artifact/roster.ts'
import { writersUnder } from '../artifact/writers.ts'
import type { RsyncUse } from '../host/rsync/rules.ts'
import { hasherOf } from '../host/transfer/hasher.ts'
import { readingFor, roundTripMs } from '../host/transfer/link-speed.ts'
import { TransferMeter } from '../host/transfer/meter.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { formatBytes, formatDuration, plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { artifactsFolder, chosen, folderOnBox, refusal } from './common.ts'

/** More names than this are a list that nobody reads; all are in the data. */
const mostNames = 20

/**
 * Copies the declared artifacts that are on the box now, each proved by the hash at both ends (V3). At any time of a run,
 * as often as one likes: what is here and the same is not copied again, what was cut goes on. It gives no permit: that a
 * run is safe to remove is for `kx teardown verify` to say. Exit 1 when a file did not come, or came while it changes.
 */
export async function pull(
  ctx: ActContext,
  args: { readonly only?: string | undefined; readonly rsync?: RsyncUse },
): Promise<ActResult> {
  const folder = await folderOnBox(ctx)
  if (typeof folder !== 'string') return folder
  const { host, signal } = ctx
  const into = artifactsFolder(ctx)
  const roster = await expandRoster(host, folder, ctx.loaded.plan.artifacts, signal)
  const files = chosen(roster.files, args.only)
  try {
    await checkSpace(into, files)
  } catch (error) {
    if (error instanceof NoSpace) return refusal(error.message)
    throw error
  }
  const now = () => ctx.clock.monotonicMs()
  const began = now()
  const meter = new TransferMeter(
    files.reduce((sum, file) => sum + file.bytes, 0),
    files.length,
    began,
  )
  const tell = (isTime: boolean) => {
    if (isTime) ctx.progress({ text: meter.line(now()), done: meter.files, total: files.length })
  }
  failpoint('transfer.before-pull')
  const pulled = await pullFiles(host, folder, files, into, {
    signal,
    ...(args.rsync !== undefined && { rsync: args.rsync }),
    onBytes: (bytes) => tell(meter.add(bytes, now())),
    onFile: (_path, bytes) => tell(meter.file(bytes, now())),
  })
  const seconds = (now() - began) / 1000
  const way = files.length === 0 ? null : await wayOf(ctx)
  const chosenWays = waysOf(pulled)
  for (const line of [...(way === null ? [] : [way]), ...chosenWays]) ctx.cell.say(line)
  const writers = await writersUnder(host, folder, signal)
  const open = new Set(writers.kind === 'known' ? writers.paths : [])
  const isOpen = ({ path }: PulledFile) => open.has(`${folder}/${path}`)
  const copied = pulled.filter((each) => each.status === 'copied')
  failpoint('transfer.before-record')
  await notePulled(
    into,
    ctx.run.id,
    copied.map((each) => ({
      path: each.path,
      bytes: each.bytes,
      sha256: each.sha256Local as string,
      pulledAtMs: ctx.clock.nowMs(),
      wasOpen: isOpen(each),
    })),
  )
  const changing = [...pulled.filter((each) => each.status === 'unstable'), ...copied.filter(isOpen)]
  const failedFiles = pulled.filter((each) => each.status !== 'copied' && each.status !== 'unstable')
  const refused = roster.problems.filter((each) => ['unsafe-name', 'collision', 'symlink'].includes(each.kind))
  const lines = [
    ...changing.map((each) =>
      each.status === 'copied'
        ? `still being written: ${each.path} was copied as it was at that moment`
        : `still changing: ${each.path} did not hold still for a copy; pull again later`,
    ),
    ...failedFiles.map((each) => `${each.status}: ${each.path}: ${each.reason ?? 'not copied'}`),
    ...refused.map((each) => `refused: ${each.path}: ${each.text}`),
  ].map((line) => sanitiseLine(line))
  for (const line of lines.slice(0, mostNames)) ctx.cell.say(line)
  if (lines.length > mostNames) ctx.cell.say(`and ${lines.length - mostNames} more; --json names them all`)
  const found = copied.filter((each) => each.wasThere).length
  const summary =
    files.length === 0
      ? 'nothing that the plan declares lies on the box yet'
      : [
          `pulled ${copied.length} of ${plural(files.length, 'file')} to ${into}`,
          `${found} were here`,
          `${formatBytes(meter.moved)} came in ${formatDuration(Math.max(1, Math.round(seconds)))}`,
          ...(changing.length > 0 ? [`${changing.length} still changing`] : []),
        ].join(', ')
  ctx.cell.say(summary)
  const isWhole = copied.length === files.length && changing.length === 0 && refused.length === 0
  return {
    summary,
    lines: lines.slice(0, mostNames),
    exitCode: isWhole ? 0 : 1,
    data: {
      folder,
      into,
      seconds,
      way,
      chosenWays,
      movedBytes: meter.moved,
      files: pulled.map(({ path, status, bytes, sha256Local, wasThere, resumedBytes, attempts, reason, way: by }) => ({
        ...{ path, status, bytes, sha256: sha256Local, wasThere, resumedBytes, attempts, reason, way: by },
        isChanging: changing.some((each) => each.path === path),
      })),
      problems: roster.problems,
    },
  }
}

/** What the bytes came by, and why it was that. */
async function wayOf({ host, signal }: ActContext): Promise<string> {
  if (host.kind === 'local') return 'copied on this machine'
  const milliseconds = await roundTripMs(host)
  const { name, mibPerSecond } = await hasherOf(host, signal)
  const { lanes } = readingFor(milliseconds, host.kind)
  const speed = mibPerSecond === null ? '' : ` at ${Math.round(mibPerSecond)} MiB/s`
  return (
    `by streams over ${host.kind === 'ssh' ? 'ssh2' : "the system's ssh"}: large files by ${lanes === 1 ? 'one' : `${lanes} side by side`} ` +
    `(a round trip takes ${Math.round(milliseconds)} ms), small ones in one; hashed there by ${name}${speed}, the fastest there`
  )
}

/** Where there was something to choose: how many files came by rsync or by the streams, and why. */
function waysOf(pulled: readonly PulledFile[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { way } of pulled) {
    if (way === null) continue
    const line = `by ${way.by === 'rsync' ? 'rsync' : 'the streams'}, because ${way.why}`
    counts.set(line, (counts.get(line) ?? 0) + 1)
  }
  return [...counts].map(([line, count]) => sanitiseLine(`${plural(count, 'file')} ${line}`, 400))
}
