import type { CellNoted, CellRecord, RunState } from '../run/types.ts'
import { formatDuration, formatMoment } from '../text/format.ts'
import type { Staleness } from '../walk/proof.ts'
import { addressOf, hostOf, staleWhy } from './rules.ts'

/** One cell as it is exported, with as much of its output as was asked for. */
export interface ExportedCell {
  /** From 1. */
  readonly number: number
  readonly record: CellRecord
  readonly notes: readonly (CellNoted & { readonly atMs: number })[]
  readonly isMarked: boolean
  readonly stale: string | null
  /** Lines of its output; null: none was kept. */
  readonly output: readonly string[] | null
  /** Lines of its output that were left out before those. */
  readonly linesBefore: number
}

export interface Exported {
  readonly state: RunState
  readonly cells: readonly ExportedCell[]
  readonly nowMs: number
}

/** Puts the cells at these places together with what people wrote beside them. `outputOf` gives lines, newest last. */
export function exported(
  state: RunState,
  places: readonly number[],
  stale: ReadonlyMap<string, Staleness>,
  nowMs: number,
  outputOf: (cellId: string) => { readonly lines: readonly string[]; readonly before: number } | null,
): Exported {
  const cells = places.flatMap((at): ExportedCell[] => {
    const record = state.cells[at]
    if (record === undefined) return []
    const { cellId } = record.started
    const output = outputOf(cellId)
    return [
      {
        number: at + 1,
        record,
        notes: (state.cellNotes ?? []).filter((note) => note.cellId === cellId),
        isMarked: state.bookmarks?.includes(cellId) === true,
        stale: staleWhy(state.cells, at, stale),
        output: output?.lines ?? null,
        linesBefore: output?.before ?? 0,
      },
    ]
  })
  return { state, cells, nowMs }
}

const stateOf = ({ ended }: CellRecord): string => ended?.state ?? 'running, or its end was not seen'

/** Text that Markdown leaves as it is, on one line. */
function plain(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\`*_{}[\]<>#|~]/g, (c) => `\\${c}`)
    .trim()
}

/** A fence that nothing in the text can close. */
function fenced(lines: readonly string[], language = 'text'): string[] {
  const longest = lines.reduce((most, line) => Math.max(most, /^\s*(`{3,})/.exec(line)?.[1]?.length ?? 0), 0)
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return [`${fence}${language}`, ...lines, fence]
}

/** How a cell went, in one sentence. */
function sentence({ record, stale }: ExportedCell): string {
  const { started, ended, startedAtMs } = record
  const host = hostOf(record)
  const parts = [
    `**${stateOf(record)}**`,
    ended === null ? '' : `after ${formatDuration(ended.durationMs / 1000)}`,
    ended?.exitCode == null ? '' : `exit ${ended.exitCode}`,
    ended?.signal == null ? '' : `signal ${ended.signal}`,
    ended?.cause == null ? '' : `cause: ${ended.cause}`,
    `begun ${formatMoment(startedAtMs)} by ${plain(started.who)}`,
    host === '' ? '' : `on ${plain(host)}`,
    ended?.approvedBy == null ? '' : `approved by ${plain(ended.approvedBy)}`,
    (ended?.redactions ?? 0) === 0 ? '' : `${ended?.redactions} places masked`,
    stale === null ? '' : `stale: ${plain(stale)}`,
  ]
  return `${parts.filter((part) => part !== '').join(', ')}.`
}

/** What was found wrong in this run, oldest first, and when it was gone. */
function findingLines({ findings }: RunState): readonly string[] {
  if (findings.length === 0) return []
  const line = ({ openedAtMs, closedAtMs, severity, rule, host, text, evidence }: RunState['findings'][number]) => {
    const where = host === undefined ? '' : ` on ${plain(host)}`
    const why = evidence === '' ? '' : ` (${plain(evidence)})`
    const end = closedAtMs === null ? 'still open' : `gone ${formatMoment(closedAtMs)}`
    return `- ${formatMoment(openedAtMs)}, ${severity}${where}: ${plain(text)}${why}; ${plain(rule)}; ${end}`
  }
  return ['## What was found', '', ...findings.toSorted((a, b) => a.openedAtMs - b.openedAtMs).map(line), '']
}

/** A report that a person reads, and that can be pasted into a pull request: headings, sentences, folded outputs. */
export function toMarkdown({ state, cells, nowMs }: Exported): string {
  const failed = cells.filter(({ record }) => record.ended?.state === 'failed').length
  const unknown = cells.filter(({ record }) => (record.ended?.state ?? 'unknown') === 'unknown').length
  const counts = [`${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (unknown > 0) counts.push(`${unknown} with an unknown end`)
  const own = (state.cellNotes ?? []).filter(({ cellId }) => cellId === null)
  const lines = [
    `# Run ${plain(state.runId)}`,
    '',
    `Plan *${plain(state.created.planName)}* of project *${plain(state.created.project)}*, begun ${formatMoment(state.createdAtMs)} by ${plain(state.created.by)}. ${counts.join(', ')}; written ${formatMoment(nowMs)}.`,
    '',
    ...own.flatMap((note) => [note.text.trimEnd(), '', `— ${plain(note.by)}, ${formatMoment(note.atMs)}`, '']),
    ...findingLines(state),
  ]
  for (const cell of cells) {
    const { record, number, output } = cell
    lines.push(
      `## ${number}. ${plain(record.started.title)}${cell.isMarked ? ' (bookmarked)' : ''}`,
      '',
      sentence(cell),
      '',
    )
    if (record.ended !== null && record.ended.summary !== '') lines.push(plain(record.ended.summary), '')
    for (const note of cell.notes)
      lines.push(
        ...note.text
          .trimEnd()
          .split('\n')
          .map((line) => `> ${line}`.trimEnd()),
        '>',
        `> — ${plain(note.by)}, ${formatMoment(note.atMs)}`,
        '',
      )
    const source = record.started.source ?? `${record.started.name} ${JSON.stringify(record.started.args)}`
    lines.push(...fenced(source.trimEnd().split('\n'), ''), '')
    if (output === null || output.length === 0) continue
    const left = cell.linesBefore === 0 ? '' : `, the last of ${output.length + cell.linesBefore}`
    lines.push(
      `<details><summary>Output, ${output.length} ${output.length === 1 ? 'line' : 'lines'}${left}</summary>`,
      '',
    )
    lines.push(...fenced(output), '', '</details>', '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

/** One JSON object a line: the run, then every cell with its address, its records, notes and output. */
export function toJsonLines({ state, cells }: Exported): string {
  const head = { kind: 'run', ...state.created, createdAtMs: state.createdAtMs, notes: state.cellNotes ?? [] }
  const rows = cells.map(({ number, record, notes, isMarked, stale, output, linesBefore }) => ({
    kind: 'cell',
    address: addressOf(state.runId, number),
    number,
    startedAtMs: record.startedAtMs,
    started: record.started,
    ended: record.ended,
    process: record.process ?? null,
    notes,
    isMarked,
    stale,
    output,
    linesBefore,
  }))
  return [head, ...rows].map((row) => `${JSON.stringify(row)}\n`).join('')
}

const textLines = (text: string): string[] => text.split(/(?<=\n)/)

/**
 * A notebook in nbformat 4.5: every cell as a code cell whose source is what was run and whose output is what it printed,
 * with notes as Markdown cells after it. Ids are those of the cells; times stand where Jupyter's own client puts them.
 */
export function toNotebook({ state, cells }: Exported): Readonly<Record<string, unknown>> {
  const markdown = (id: string, text: string, metadata: object) => ({
    cell_type: 'markdown',
    id: id.slice(0, 64),
    metadata,
    source: textLines(text),
  })
  const head = `# Run ${plain(state.runId)}\n\nPlan *${plain(state.created.planName)}* of project *${plain(state.created.project)}*, begun ${formatMoment(state.createdAtMs)} by ${plain(state.created.by)}.\n`
  const own = (state.cellNotes ?? []).filter(({ cellId }) => cellId === null)
  const iso = (atMs: number) => new Date(atMs).toISOString()
  const shown = cells.flatMap((cell) => {
    const { record, number, notes, output } = cell
    const { started, ended, startedAtMs } = record
    const outputs: object[] = []
    if (output !== null && output.length > 0) {
      const before = cell.linesBefore === 0 ? '' : `[${cell.linesBefore} lines before]\n`
      outputs.push({ output_type: 'stream', name: 'stdout', text: textLines(`${before}${output.join('\n')}\n`) })
    }
    if (ended !== null && ended.state !== 'done')
      outputs.push({ output_type: 'error', ename: ended.state, evalue: ended.summary, traceback: [ended.summary] })
    return [
      markdown(`h-${started.cellId}`, `## ${number}. ${plain(started.title)}\n\n${sentence(cell)}\n`, {}),
      {
        cell_type: 'code',
        id: started.cellId,
        execution_count: number,
        metadata: {
          tags: [stateOf(record).split(',')[0] ?? 'running', ...(cell.isMarked ? ['bookmark'] : [])],
          ...(ended === null
            ? {}
            : {
                execution: {
                  'iopub.execute_input': iso(startedAtMs),
                  'shell.execute_reply': iso(startedAtMs + ended.durationMs),
                },
              }),
          kx: { address: addressOf(state.runId, number), stale: cell.stale, started, ended },
        },
        outputs,
        source: textLines(started.source ?? `${started.name} ${JSON.stringify(started.args)}`),
      },
      ...notes.map((note, n) =>
        markdown(`n${n}-${started.cellId}`, note.text, { kx: { by: note.by, atMs: note.atMs } }),
      ),
    ]
  })
  return {
    cells: [
      markdown('kx-run', head, {}),
      ...own.map((note, n) => markdown(`kx-note-${n}`, note.text, { kx: { by: note.by, atMs: note.atMs } })),
      ...shown,
    ],
    metadata: {
      kx: { runId: state.runId, project: state.created.project, planName: state.created.planName },
      language_info: { name: 'text', mimetype: 'text/plain', file_extension: '.txt' },
    },
    nbformat: 4,
    nbformat_minor: 5,
  }
}
