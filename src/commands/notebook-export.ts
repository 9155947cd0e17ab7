import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ActResult } from '../run/act.ts'
import { formatTime, plural } from '../text/format.ts'
import { redactValue } from '../text/redact.ts'
import { clean, notebookAt, orRefused, pathOf, proofsNow } from './notebook-at.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

export type ExportFormat = 'markdown' | 'ipynb' | 'jsonl'
const endings: Readonly<Record<ExportFormat, string>> = { markdown: 'md', ipynb: 'ipynb', jsonl: 'jsonl' }

/** `kx export`: the notebook as a report, as a Jupyter notebook, or as lines of JSON. */
export function exportNotebook(
  env: CommandEnvironment,
  args: {
    readonly run?: string | undefined
    readonly format: ExportFormat
    readonly out?: string | undefined
    readonly filter: string
    readonly lines: number
    readonly force: boolean
  },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ cellFilter }, { exported, toJsonLines, toMarkdown, toNotebook }, { readOutput }, notebook] =
      await Promise.all([
        import('../notebook/rules.ts'),
        import('../notebook/export.ts'),
        import('../notebook/outputs.ts'),
        notebookAt(env, args.run ?? null),
      ])
    const { state, folder, secrets, runId } = notebook
    const test = cellFilter(args.filter, Date.now(), state)
    const places = state.cells.flatMap((cell, at) => (test(cell) ? [at] : []))
    const what = exported(state, places, await proofsNow(env, state), Date.now(), (cellId) => {
      const found = readOutput(folder, cellId, args.lines === 0 ? null : args.lines)
      return found === null ? null : { ...found, lines: found.lines.map((line) => clean(line, null)) }
    })
    // Structures are masked as structures: text that was masked after it was made into JSON might be JSON no more.
    const safe = <T>(value: T): T => redactValue(value, secrets).value as T
    const text =
      args.format === 'markdown'
        ? clean(toMarkdown(what), secrets)
        : args.format === 'ipynb'
          ? `${JSON.stringify(safe(toNotebook(what)), null, 1)}\n`
          : toJsonLines(what)
              .trimEnd()
              .split('\n')
              .map((line) => `${JSON.stringify(safe(JSON.parse(line)))}\n`)
              .join('')
    const cells = plural(places.length, 'cell')
    if (args.out === undefined && env.via === 'cli')
      return {
        summary: '',
        exitCode: 0,
        data: args.format === 'ipynb' ? JSON.parse(text) : { text },
        lines: text.trimEnd().split('\n'),
      }
    const path = args.out === undefined ? join(folder, `notebook.${endings[args.format]}`) : pathOf(args.out)
    await writeFile(path, text, { mode: 0o600, flag: args.force || args.out === undefined ? 'w' : 'wx' }).catch(
      (error: unknown) => {
        const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
        const why = isThere
          ? 'is there already; --force writes over it'
          : `cannot be written: ${(error as Error).message}`
        throw new Refused({ summary: `${path} ${why}`, exitCode: 1, data: null })
      },
    )
    return { summary: `${cells} of ${runId} written to ${path}`, exitCode: 0, data: { path, cells: places.length } }
  })
}

/** `kx replay`: a run as it happened, so many times as fast; long waits are cut to two seconds. */
export function replayRun(
  env: CommandEnvironment,
  args: { readonly run?: string | undefined; readonly speed: number; readonly lines: number },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ happenings, waitMs }, { folder, runId, secrets }] = await Promise.all([
      import('../notebook/replay.ts'),
      notebookAt(env, args.run ?? null),
    ])
    const lines: string[] = []
    let before: import('../notebook/replay.ts').Happening | null = null
    let count = 0
    for (const now of happenings(folder, args.lines)) {
      env.signal.throwIfAborted()
      // Without anybody to watch there is nothing to wait for.
      const ms = env.print === undefined ? 0 : waitMs(before, now, args.speed)
      if (ms > 0) await wait(ms, undefined, { signal: env.signal })
      const text = now.lines.map((line) => clean(line, secrets).replaceAll('\n', ' '))
      if (env.print === undefined) lines.push(...text)
      else for (const line of text) env.print(line)
      before = now
      count += 1
    }
    const last = before === null ? '' : `, the last at ${formatTime(before.atMs)}`
    return {
      summary: `${plural(count, 'event')} of ${runId}${last}`,
      exitCode: 0,
      data: { runId, events: count },
      lines,
    }
  })
}

/** `kx journal verify`: follows the chain of a journal from its first line, and says where it broke. */
export function verifyChain(env: CommandEnvironment, args: { readonly run?: string | undefined }): Promise<ActResult> {
  return orRefused(async () => {
    const [{ verifyJournal }, { currentRunId }, { locateRun }, { runFolder }] = await Promise.all([
      import('../notebook/verify.ts'),
      import('../session/current-run.ts'),
      import('./runs.ts'),
      import('../run/folder.ts'),
    ])
    // A journal that does not even begin with a run is the very thing that is asked about: it is not folded here.
    const asked = args.run ?? env.runId ?? currentRunId(env.projectFolder, Date.now())
    if (asked === null) throw new Refused({ summary: 'no run has been begun in this project', exitCode: 1, data: null })
    const found = await locateRun(env, asked)
    if ('exitCode' in found) throw new Refused(found)
    const report = verifyJournal(runFolder(found.projectFolder, found.runId))
    const { broken, missingOutputs } = report
    const lines = [
      `${report.records} records in ${report.lines} lines, ${report.bytes} bytes; the last line has SHA-256 ${report.headSha256}`,
      ...(report.tornBytes === 0
        ? []
        : [`${report.tornBytes} bytes after the last whole line: half-written, or being written`]),
      ...(missingOutputs.length === 0
        ? []
        : [
            `the output of ${plural(missingOutputs.length, 'cell')} is not there: ${missingOutputs.slice(0, 10).join(', ')}`,
          ]),
    ]
    const good =
      broken?.lastGood == null
        ? 'nothing before it is vouched for'
        : `vouched for up to record ${broken.lastGood.sequence} (${broken.lastGood.kind}, ${formatTime(broken.lastGood.atMs)})`
    const summary =
      broken === null
        ? `the chain of ${found.runId} is whole`
        : `the chain of ${found.runId} broke at line ${broken.line} (byte ${broken.offset}): it ${broken.why}; ${good}`
    return {
      summary,
      exitCode: broken === null && missingOutputs.length === 0 ? 0 : 1,
      data: { runId: found.runId, ...report },
      lines,
    }
  })
}
