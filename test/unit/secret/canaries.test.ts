import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { notebookModel } from '../../../screens/notebook/model.ts'
import { textOf } from '../../../screens/workbench/model.ts'
import { catchStrays } from '../../../screens/workbench/strays.ts'
import { splitArgv } from '../../../src/cli/globals.ts'
import { runHeadless } from '../../../src/cli/headless.ts'
import { logReader } from '../../../src/cli/log-reader.ts'
import { learnSecrets, maskNow, maskTexts } from '../../../src/cli/masking.ts'
import { notebookShelf } from '../../../src/cli/notebook-shelf.ts'
import { outputStages } from '../../../src/commands/act.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import { runOptions, systemClock } from '../../../src/commands/open.ts'
import { openPrompt, plainLine } from '../../../src/commands/repl-eval.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { openCell, outputFileOf } from '../../../src/notebook/cell-writer.ts'
import { createRun, runFolder } from '../../../src/run/folder.ts'
import { openRun } from '../../../src/run/handle.ts'
import { newIds } from '../../../src/session/ids.ts'
import type { Shelves } from '../../../src/session/view.ts'
import { canaryVariables, encodings, forms, leaks, values } from '../../harness/canaries.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-canary-'))
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
  vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'config'))
  vi.stubEnv('HOME', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})
/** From now on this process knows the canaries, as it would from the shell that it was started in. */
function plant(): void {
  for (const [name, value] of Object.entries(canaryVariables)) vi.stubEnv(name, value)
}

const printed: string[] = []
const env = (runId: string | null, more: Partial<CommandEnvironment> = {}): CommandEnvironment => ({
  projectFolder: folder,
  runId,
  who: 'ada',
  via: 'cli',
  settings: {},
  signal: new AbortController().signal,
  ask: { confirm: async () => false, typed: async () => null, text: async () => null },
  progress: (progress) => printed.push(JSON.stringify(progress)),
  openRun: () => {},
  ...more,
})
const begin = async (isScrubbed: boolean) =>
  createRun({
    ...(isScrubbed ? await runOptions() : { clock: systemClock }),
    projectFolder: folder,
    project: 'demo',
    planName: 'demo',
    planText: 'name: demo\n',
    by: 'ada',
  })

function filesBelow(path: string): string[] {
  return readdirSync(path).flatMap((name) => {
    const child = join(path, name)
    return statSync(child).isDirectory() ? filesBelow(child) : [child]
  })
}

describe('twenty canaries in twelve encodings', () => {
  it('are twenty in twelve, and are found where they stand', () => {
    expect(new Set(values).size).toBe(20)
    expect(Object.keys(encodings)).toHaveLength(12)
    for (const { text, kind, value } of forms) expect(leaks(`x ${text} y`), `${kind} of ${value}`).not.toEqual([])
  })

  it('do not come through a cell, cut at every border: not live, not in its output, not in the journal', async () => {
    plant()
    const run = await begin(true)
    const live: string[] = []
    const { onOutput: _progress, ...stages } = await outputStages({ progress: () => {} }, [])
    const source = forms.map(({ text }) => text).join('\n')
    const args = Object.fromEntries(forms.map(({ text }, i) => [`argument${i}`, [text, { deep: text }]]))
    const cell = await openCell(
      run,
      { name: 'audit.run', title: `Look ${values[0]}`, args, risk: 'read', source },
      {
        clock: systemClock,
        newId: newIds(systemClock),
        who: 'ada',
        via: 'cli',
        host: null,
        ...stages,
        onOutput: (text) => live.push(text),
        limits: { headBytes: 64 * 1024 * 1024, tailBytes: 1024 },
      },
    )
    const part = cell.part?.('gpu-1')
    let cuts = 0
    for (const { text } of forms) {
      const line = Buffer.from(`log: <${text}> done\n`)
      for (let at = 1; at < line.length; at += 1) {
        const to =
          at % 3 === 0
            ? cell.stderr.bind(cell)
            : at % 3 === 1
              ? cell.stdout.bind(cell)
              : (part?.stdout ?? cell.stdout.bind(cell))
        to(line.subarray(0, at))
        to(line.subarray(at))
        cuts += 1
      }
      for (const byte of line) cell.stdout(Uint8Array.of(byte))
      cell.say(text)
    }
    await cell.end({ state: 'failed', summary: source, probe: source })
    await run.append('note', { text: source })
    await run.append('cell.noted', { cellId: cell.cellId, text: source, by: values[3] })
    await run.close()
    const output = readFileSync(outputFileOf(run.folder, cell.cellId), 'utf8')
    expect(output.match(/done/g)?.length ?? 0).toBeGreaterThan(cuts)
    expect(leaks(output)).toEqual([])
    expect(leaks(live.join(''))).toEqual([])
    // Everything below the project and the state of the user: journal, outputs, index of all runs.
    for (const file of filesBelow(folder)) expect(leaks(readFileSync(file, 'latin1')), file).toEqual([])
    for (const file of filesBelow(folder)) expect(leaks(readFileSync(file, 'utf8')), file).toEqual([])
  }, 120_000)

  it('that were stored before anybody knew them are on no screen, in no export, in no answer', async () => {
    const run = await begin(false)
    const text = forms.map((form) => `log: <${form.text}> done`).join('\n')
    const nothing = { push: (chunk: string) => chunk, end: () => '', count: 0 }
    for (const title of ['Look', 'Look']) {
      const cell = await openCell(
        run,
        { name: 'audit.run', title, args: { about: text }, risk: 'read', source: text },
        {
          clock: systemClock,
          newId: newIds(systemClock),
          who: 'ada',
          via: 'cli',
          host: null,
          createSanitiser: () => ({ push: String, end: () => '' }),
          createRedactor: () => nothing,
        },
      )
      cell.stdout(`${text}\n${title === 'Look' ? run.state().cells.length : ''}\n`)
      await cell.end({ state: 'failed', summary: text })
      await run.append('cell.noted', { cellId: cell.cellId, text, by: 'ada' })
    }
    const runId = run.id
    await run.close()
    plant()
    const registry = allCommands()
    const asked: readonly (readonly [string, Record<string, unknown>])[] = [
      ['cell.list', {}],
      ['cell.show', { cell: '1', lines: 0 }],
      ['cell.search', { text: 'log' }],
      ['cell.search', { text: 'l.g', regex: true }],
      ['cell.diff', { cell: '2' }],
      ['notebook.export', { lines: 0 }],
      ['notebook.export', { format: 'ipynb', lines: 0 }],
      ['notebook.export', { format: 'jsonl', lines: 0 }],
      ['notebook.export', { format: 'ipynb', lines: 0, out: join(folder, 'out.ipynb') }],
      ['run.replay', { speed: 0, lines: 1000 }],
      ['journal.verify', {}],
    ]
    for (const [id, args] of asked) {
      const spec = registry.get(id)
      const lines: string[] = []
      for (const more of [{}, { print: (line: string) => lines.push(line) }]) {
        const result = await spec?.run?.(
          env(runId, more),
          spec.args.parse({ ...args, ...(args.out === undefined ? {} : { force: true }) }),
        )
        expect(leaks(JSON.stringify(result)), `${id}: data`).toEqual([])
        for (const line of [...(result?.lines ?? []), ...lines, result?.summary ?? ''])
          expect(leaks(line), id).toEqual([])
      }
    }
    expect(leaks(readFileSync(join(folder, 'out.ipynb'), 'utf8'))).toEqual([])
    expect(printed.flatMap(leaks)).toEqual([])
    // The panes of the screen that show what was read from files of the run.
    await learnSecrets()
    const handle = await openRun(runFolder(folder, runId), { clock: systemClock })
    const state = handle.state()
    await handle.close()
    const first = state.cells[0]?.started.cellId ?? ''
    const shelves = { cellOutput: null, openOutputs: new Map() } as unknown as Shelves
    const read = await notebookShelf(
      {
        screen: 'notebook',
        selected: () => first,
        opened: () => [first],
        projectFolder: folder,
        run: state,
        plan: { status: 'loading' },
        shelves,
        isShown: () => true,
        put: () => {},
        again: () => {},
      },
      state,
      logReader(),
    )
    const model = notebookModel({
      run: state,
      mask: maskNow,
      shelves: { ...shelves, ...read },
      staleness: new Map(),
      live: null,
      nowMs: 0,
    } as never)
    const { buffer } = read?.cellOutput?.log ?? {}
    const shown = [
      ...Array.from(
        { length: (buffer?.end() ?? 0) - (buffer?.first() ?? 0) },
        (_, i) => buffer?.line((buffer?.first() ?? 0) + i) ?? '',
      ),
      ...[...(read?.openOutputs?.values() ?? [])].flatMap((output) => output?.lines ?? []),
      textOf(model.summary),
      ...model.panes.flatMap((pane) =>
        pane.kind === 'table' ? pane.rows.flatMap(({ cells, detail = [] }) => [...cells, ...detail]) : [],
      ),
    ]
    expect(shown.length).toBeGreaterThan(100)
    for (const line of shown) expect(leaks(line)).toEqual([])
  }, 120_000)

  it('are not in what stray writes leave behind, nor in errors that nobody expected', async () => {
    plant()
    await learnSecrets()
    const release = catchStrays(folder, maskNow)
    try {
      for (const { text } of forms) process.stderr.write(`warning: ${text}\n`)
      console.error(forms.map(({ text }) => text).join(' '))
    } finally {
      release()
    }
    expect(leaks(readFileSync(join(folder, 'strays.log'), 'utf8'))).toEqual([])
    const error = new Error(forms.map(({ text }) => text).join('\n'))
    expect(leaks(maskNow(error.stack ?? ''))).toEqual([])
    expect(leaks(JSON.stringify(maskTexts({ deep: [{ error: error.message }] })))).toEqual([])
    writeFileSync(join(folder, 'done'), '')
  })

  it('are not in an error on the command line, nor in the stack that KX_DEBUG adds to it', async () => {
    plant()
    vi.stubEnv('KX_DEBUG', '1')
    const said: string[] = []
    const keep = (chunk: unknown) => said.push(String(chunk)) > 0
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep)
    const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep)
    try {
      for (const json of [false, true])
        for (const { text } of forms.filter((_form, at) => at % 7 === 0)) {
          const split = splitArgv(['--run', text, ...(json ? ['--json'] : []), 'approve'])
          if (!split.ok) throw new Error(split.text)
          const request = { projectFolder: folder, globals: split.globals, words: split.words, globalHelp: [] }
          expect(await runHeadless(request)).toBe(1)
        }
    } finally {
      out.mockRestore()
      err.mockRestore()
    }
    expect(said.join('')).toMatch(/^ {4}at /m)
    expect(said.join('')).toContain('"ok":false')
    expect(leaks(said.join(''))).toEqual([])
  })

  it('do not come through the prompt: not what it shows, remembers, completes, records or exports', async () => {
    plant()
    const run = await begin(true)
    const runId = run.id
    await run.close()
    const shown: string[] = []
    const registry = allCommands()
    const prompt = await openPrompt({
      registry,
      environment: (signal) => ({ ...env(runId), via: 'prompt', signal }),
      runId: () => runId,
      isAscii: false,
      isRemembered: true,
      onLines: (_cell, lines) => shown.push(...lines.map(plainLine)),
    })
    const told: string[] = []
    const enter = async (text: string) => {
      const { lines, json } = await prompt.enter(text, { wantsJson: true })
      told.push(...lines.map(plainLine), JSON.stringify(maskTexts(json ?? null)))
    }
    try {
      await learnSecrets()
      writeFileSync(join(folder, 'forms.json'), JSON.stringify(forms.map(({ text }) => text)))
      await enter('const { default: forms } = await import("./forms.json", { with: { type: "json" } })')
      await enter('forms')
      await enter('console.log(forms.join("\\n")); throw new Error(forms.join(" "))')
      // Cut at every border, in pieces that come one after the other; few forms an entry, so that all of it is shown.
      for (let from = 0; from < forms.length; from += 5)
        await enter(
          `for (const form of forms.slice(${from}, ${from + 5})) for (let at = 1; at < form.length; at += 1) { process.stdout.write("<" + form.slice(0, at)); process.stdout.write(form.slice(at) + ">\\n") }`,
        )
      await enter('await Promise.reject(new Error(forms.join(" ")))')
      await enter(`!! cat ${join(folder, 'forms.json')}; cat ${join(folder, 'forms.json')} >&2; exit 3`)
      for (const [at, { text }] of forms.entries()) if (at % 12 === 0) await enter(JSON.stringify(text))
      told.push(...(await prompt.complete('forms[0].', 9)).names, ...prompt.search(''), prompt.ghost('con'))
      told.push(...((await prompt.preview('forms.join(" ")', 200)) ?? []).map(({ text }) => text))
    } finally {
      await prompt.close()
    }
    const cuts = forms.reduce((sum, { text }) => sum + text.length - 1, 0)
    expect(shown.length).toBeGreaterThan(cuts)
    rmSync(join(folder, 'forms.json'))
    for (const text of [...shown, shown.join(''), ...told]) expect(leaks(text)).toEqual([])
    for (const file of filesBelow(folder)) expect(leaks(readFileSync(file, 'utf8')), file).toEqual([])
    for (const [id, args] of [
      ['notebook.export', { lines: 0 }],
      ['notebook.export', { format: 'ipynb', lines: 0 }],
      ['history.save', { as: 'note', last: 200 }],
      ['history.save', { as: 'recipe', name: 'kept', last: 1, match: 'await Promise' }],
    ] as const) {
      const spec = registry.get(id)
      expect(leaks(JSON.stringify(await spec?.run?.(env(runId), spec.args.parse(args)))), id).toEqual([])
    }
    for (const file of filesBelow(folder)) expect(leaks(readFileSync(file, 'utf8')), file).toEqual([])
  }, 120_000)
})
