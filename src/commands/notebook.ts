import type { ActResult } from '../run/act.ts'
import { cellWith } from '../run/cell-record.ts'
import type { CellRecord } from '../run/types.ts'
import { formatDuration, formatTime, plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { cellAt, clean, notebookAt, orRefused, proofsNow, safe } from './notebook-at.ts'
import { openForWriting } from './open.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

const stateOf = ({ ended }: CellRecord): string => ended?.state ?? 'running'

/** `kx cell list`: every cell of a run, oldest first, or those that a filter lets through. */
export function listCells(env: CommandEnvironment, args: { readonly filter: string }): Promise<ActResult> {
  return orRefused(async () => {
    const [{ cellFilter, hostOf, staleWhy, addressOf }, { state, runId, secrets }] = await Promise.all([
      import('../notebook/rules.ts'),
      notebookAt(env, null),
    ])
    const test = cellFilter(args.filter, Date.now(), state)
    const stale = await proofsNow(env, state)
    const rows = state.cells.flatMap((cell, at) =>
      test(cell)
        ? [
            {
              number: at + 1,
              address: addressOf(runId, at + 1),
              cellId: cell.started.cellId,
              name: cell.started.name,
              title: cell.started.title,
              state: stateOf(cell),
              host: hostOf(cell),
              who: cell.started.who,
              startedAtMs: cell.startedAtMs,
              durationMs: cell.ended?.durationMs ?? null,
              summary: cell.ended?.summary ?? null,
              stale: staleWhy(state.cells, at, stale),
              isMarked: state.bookmarks?.includes(cell.started.cellId) === true,
              notes: (state.cellNotes ?? []).filter(({ cellId }) => cellId === cell.started.cellId).length,
            },
          ]
        : [],
    )
    const lines = rows.map((row) => {
      const marks = [
        row.isMarked ? 'bookmark' : '',
        row.notes > 0 ? plural(row.notes, 'note') : '',
        row.stale === null ? '' : 'stale',
      ]
      const marked = marks.filter((mark) => mark !== '').join(', ')
      const took = row.durationMs === null ? '' : `, ${formatDuration(row.durationMs / 1000)}`
      const where = row.host === '' ? '' : ` on ${row.host}`
      return sanitiseLine(
        clean(
          `#${row.number}  ${formatTime(row.startedAtMs)}  ${row.state}  ${row.title}${where}${took}${marked === '' ? '' : `  [${marked}]`}  ${row.summary ?? ''}`,
          secrets,
        ),
        600,
      )
    })
    const of = rows.length === state.cells.length ? '' : ` of ${state.cells.length}`
    return {
      summary: `${rows.length}${of} ${state.cells.length === 1 ? 'cell' : 'cells'} of ${runId}`,
      exitCode: 0,
      data: safe({ runId, cells: rows }, secrets),
      lines,
    }
  })
}

/** `kx cell show`: the record of one cell and the end of its output. */
export function showCell(
  env: CommandEnvironment,
  args: { readonly cell: string; readonly lines: number },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ addressOf, executionsOf, hostOf, staleWhy }, { readOutput }, { state, runId, folder, at, secrets }] =
      await Promise.all([import('../notebook/rules.ts'), import('../notebook/outputs.ts'), cellAt(env, args.cell)])
    const record = state.cells[at] as CellRecord
    const { started, ended } = record
    const output = readOutput(folder, started.cellId, args.lines)
    const stale = staleWhy(state.cells, at, await proofsNow(env, state))
    const runs = executionsOf(state.cells, at).map((place) => `#${place + 1}`)
    const notes = (state.cellNotes ?? []).filter(({ cellId }) => cellId === started.cellId)
    const fact = (name: string, value: string | null | undefined) =>
      value === null || value === undefined || value === '' ? [] : [`${name.padEnd(12)} ${value}`]
    const process = ended?.process ?? record.process ?? null
    const lines = [
      ...fact('cell', `${addressOf(runId, at + 1)} (${started.cellId})`),
      ...fact('act', `${started.title} (${started.name}), ${started.risk}${started.dryRun ? ', dry run' : ''}`),
      ...fact('asked', started.source ?? `${started.name} ${JSON.stringify(started.args)}`),
      ...fact('state', stateOf(record)),
      ...fact('begun', `${formatTime(record.startedAtMs)} by ${started.who} (${started.via})`),
      ...fact('took', ended === null ? null : formatDuration(ended.durationMs / 1000)),
      ...fact('exit', ended?.exitCode === null || ended === null ? null : String(ended.exitCode)),
      ...fact('signal', ended?.signal),
      ...fact('cause', ended?.cause),
      ...fact('host', hostOf(record)),
      ...fact('host key', started.host?.hostKey),
      ...fact('machine', started.host?.machineId),
      ...fact('boot', started.host?.bootId),
      ...fact('user', started.host?.user),
      ...fact('surroundings', started.environment),
      ...fact('group', process === null ? null : `${process.pgid}, started at tick ${process.startTicks}`),
      ...fact('approved by', ended?.approvedBy),
      ...fact('proof', ended?.proofId),
      ...fact('probe', ended?.probe),
      ...fact('masked', ended === null || ended.redactions === 0 ? null : plural(ended.redactions, 'place')),
      ...fact('stale', stale),
      ...fact('executions', runs.length > 1 ? runs.join(' ') : null),
      ...fact('result', ended?.summary),
      ...notes.flatMap((note) => fact('note', `${note.text} (${note.by}, ${formatTime(note.atMs)})`)),
      '',
      ...(output === null
        ? ['no output kept']
        : output.before > 0
          ? [`… ${output.before} lines before; --lines 0 shows all`]
          : []),
      ...(output?.lines ?? []),
    ]
    return {
      summary: '',
      exitCode: 0,
      data: safe(
        {
          address: addressOf(runId, at + 1),
          number: at + 1,
          ...cellWith(record, {}),
          stale,
          notes,
          output: output?.lines.map((line) => clean(line, secrets)) ?? null,
        },
        secrets,
      ),
      lines: clean(lines.join('\n'), secrets).split('\n'),
    }
  })
}

/** `kx cell note`: Markdown beside a cell, or beside the run where none is named. It is a record like any other. */
export function noteCell(
  env: CommandEnvironment,
  args: { readonly cell?: string | undefined; readonly text?: string | undefined },
): Promise<ActResult> {
  return orRefused(async () => {
    const { runId, projectFolder, cellId, number } = await meant(env, args.cell)
    const text =
      args.text ?? (await env.ask.text(number === null ? 'Note beside the run' : `Note beside #${number}`, ''))
    if (text === null || text.trim() === '')
      throw new Refused({ summary: 'a note needs words', exitCode: 3, data: null })
    const run = await openForWriting({ projectFolder }, runId)
    try {
      await run.append('cell.noted', { cellId, text: text.trim(), by: env.who })
    } finally {
      await run.close()
    }
    return { summary: `noted beside ${number === null ? runId : `#${number}`}`, exitCode: 0, data: { runId, cellId } }
  })
}

/** `kx cell bookmark`: puts a bookmark on a cell, or takes it away. */
export function bookmarkCell(env: CommandEnvironment, args: { readonly cell: string }): Promise<ActResult> {
  return orRefused(async () => {
    const { state, at, runId, projectFolder } = await cellAt(env, args.cell)
    const cellId = state.cells[at]?.started.cellId ?? ''
    const isMarked = state.bookmarks?.includes(cellId) !== true
    const run = await openForWriting({ projectFolder }, runId)
    try {
      await run.append('cell.marked', { cellId, isMarked, by: env.who })
    } finally {
      await run.close()
    }
    return {
      summary: `#${at + 1} ${isMarked ? 'has a bookmark' : 'has no bookmark any more'}`,
      exitCode: 0,
      data: { cellId, isMarked },
    }
  })
}

async function meant(env: CommandEnvironment, reference: string | undefined) {
  if (reference === undefined) {
    const { runId, projectFolder } = await notebookAt(env, null)
    return { runId, projectFolder, cellId: null, number: null }
  }
  const { runId, projectFolder, state, at } = await cellAt(env, reference)
  return { runId, projectFolder, cellId: state.cells[at]?.started.cellId ?? null, number: at + 1 }
}

/** `kx cell diff`: what two executions printed differently; of one, against the execution before it. */
export function diffCells(
  env: CommandEnvironment,
  args: { readonly cell: string; readonly other?: string | undefined },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ executionsOf, findCell }, { readOutput }, { diffLines }, found] = await Promise.all([
      import('../notebook/rules.ts'),
      import('../notebook/outputs.ts'),
      import('../notebook/diff.ts'),
      cellAt(env, args.cell),
    ])
    const { state, at, folder, secrets } = found
    const all = executionsOf(state.cells, at)
    const other =
      args.other === undefined ? all[all.indexOf(at) - 1] : findCell(state.cells, args.other.replace(/^.*#/, ''))
    if (typeof other === 'string') throw new Refused({ summary: other, exitCode: 1, data: null })
    if (other === undefined)
      throw new Refused({
        summary: `#${at + 1} was not run before; name the cell to compare it with`,
        exitCode: 1,
        data: null,
      })
    const textOf = (place: number): readonly string[] =>
      readOutput(folder, state.cells[place]?.started.cellId ?? '')?.lines ?? []
    const [before, after] = [Math.min(other, at), Math.max(other, at)]
    const diff = diffLines(textOf(before), textOf(after))
    const facts = [before, after].map((place) => {
      const cell = state.cells[place] as CellRecord
      return `${place === before ? '-' : '+'} #${place + 1} ${cell.started.title}, ${stateOf(cell)}, ${formatTime(cell.startedAtMs)}: ${cell.ended?.summary ?? ''}`
    })
    const changed = diff.filter(({ sign }) => sign === '-' || sign === '+').length
    return {
      summary:
        changed === 0 ? `#${before + 1} and #${after + 1} printed the same` : `${plural(changed, 'line')} differ`,
      exitCode: changed === 0 ? 0 : 1,
      data: safe({ before: before + 1, after: after + 1, diff }, secrets),
      lines: clean([...facts, ...diff.map(({ sign, text }) => `${sign} ${text}`)].join('\n'), secrets).split('\n'),
    }
  })
}

/** What was masked when it was recorded cannot be given again. */
const isMasked = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.includes('***')
    : typeof value === 'object' && value !== null && Object.values(value).some(isMasked)

/** `kx cell rerun`: the same act once more, with the arguments of then, changed where asked; a new cell, never the old one. */
export function rerunCell(
  env: CommandEnvironment,
  args: { readonly cell: string; readonly with?: string | undefined },
): Promise<ActResult> {
  return orRefused(async () => {
    const [{ state, at, runId, projectFolder }, { allCommands }] = await Promise.all([
      cellAt(env, args.cell),
      import('./list/all.ts'),
    ])
    const { name, args: original, title } = (state.cells[at] as CellRecord).started
    const spec = allCommands().get(name)
    if (spec?.run === undefined)
      throw new Refused({
        summary: `#${at + 1} was ${name}; no command of that name can be run again`,
        exitCode: 1,
        data: null,
      })
    const asked = { ...original, ...changesOf(args.with) }
    const hidden = Object.entries(asked).flatMap(([key, value]) => (isMasked(value) ? [key] : []))
    if (hidden.length > 0)
      throw new Refused({
        summary: `${hidden.join(', ')} of #${at + 1} was masked in the record; give it anew (--with)`,
        exitCode: 2,
        data: null,
      })
    const parsed = spec.args.safeParse(asked)
    if (!parsed.success)
      throw new Refused({
        summary: `${title} does not take ${JSON.stringify(asked)}: ${parsed.error.issues[0]?.message ?? ''}`,
        exitCode: 2,
        data: null,
      })
    return spec.run({ ...env, projectFolder, runId }, parsed.data)
  })
}

/** `{"units": 2}`, or `units=2 host=a`. */
function changesOf(text: string | undefined): Record<string, unknown> {
  if (text === undefined || text.trim() === '') return {}
  const pairs = () =>
    Object.fromEntries(
      text
        .trim()
        .split(/\s+/)
        .map((pair) => {
          const [key = '', value = ''] = pair.split(/=(.*)/s)
          try {
            return [key, JSON.parse(value) as unknown]
          } catch {
            return [key, value]
          }
        }),
    )
  if (!text.trim().startsWith('{')) return pairs()
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    throw new Refused({ summary: `--with is not JSON: ${(error as Error).message}`, exitCode: 2, data: null })
  }
}
