import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CellDeps, openCell, outputFileOf, quietCell } from '../../../src/notebook/cell-writer.ts'
import { createOutputFile } from '../../../src/notebook/output-file.ts'
import { endLostCells } from '../../../src/notebook/recover.ts'
import { openRun } from '../../../src/run/handle.ts'
import { createSanitiser } from '../../../src/text/sanitise.ts'
import { newRun, temporaryFolder } from '../run/support.ts'

/** Masks one word, line by line: enough to see that everything went through it. */
function maskWord(word: string) {
  let held = ''
  let count = 0
  const mask = (text: string) =>
    text.replaceAll(word, () => {
      count += 1
      return '***'
    })
  return {
    push: (chunk: string) => {
      held += chunk
      const end = held.lastIndexOf('\n') + 1
      const out = mask(held.slice(0, end))
      held = held.slice(end)
      return out
    },
    end: () => mask(held),
    get count() {
      return count
    },
  }
}

const request = {
  name: 'smoke.run',
  title: 'Smoke',
  args: { units: 1 },
  risk: 'change',
  source: 'x',
  phase: 'smoke',
} as const

function deps(more: Partial<CellDeps> = {}): CellDeps {
  let monotonic = 0
  return {
    clock: { nowMs: () => 1, monotonicMs: () => (monotonic += 10) },
    newId: () => randomUUID(),
    who: 'ada',
    via: 'cli',
    host: null,
    createSanitiser: () => createSanitiser({ allowSgr: false, mark: '' }),
    createRedactor: () => maskWord('hunter22'),
    ...more,
  }
}

describe('cell', () => {
  it('is two records and one file, redacted and sanitised, with its counts', async () => {
    const { run } = await newRun()
    const live: string[] = []
    const cell = await openCell(run, request, deps({ onOutput: (text) => live.push(text) }))
    expect(run.state().cells[0]).toMatchObject({
      started: { name: 'smoke.run', via: 'cli', dryRun: false },
      ended: null,
    })
    cell.stdout('one\nhun')
    cell.stdout('ter22 two\n')
    cell.stderr(Buffer.from('\u001b]0;title\u0007bad\n'))
    cell.say('looking\nhard')
    cell.stdout('hun\u001b[0mter22')
    await cell.end({ state: 'done', summary: 'ok', exitCode: 0 })
    await cell.end({ state: 'failed', summary: 'late' })
    cell.stdout('after the end\n')
    const path = outputFileOf(run.folder, cell.cellId)
    const text = readFileSync(path, 'utf8')
    expect(text).toContain('one\n*** two\n')
    expect(text).toContain('kx: looking hard\n')
    expect(text).not.toMatch(/hunter22|title|after the end/)
    expect(live.join('')).toBe(text)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(run.state().cells).toHaveLength(1)
    expect(run.state().cells[0]?.ended).toMatchObject({
      state: 'done',
      exitCode: 0,
      stdoutBytes: 29,
      stderrBytes: 14,
      truncated: false,
      redactions: 2,
      outputFile: `cells/${cell.cellId}/output.log`,
    })
    expect(run.state().cells[0]?.ended?.durationMs).toBeGreaterThan(0)
    await run.close()
  })

  it('is bounded: head and tail are kept, what is between is counted', async () => {
    const { run } = await newRun()
    const cell = await openCell(run, request, deps({ limits: { headBytes: 1000, tailBytes: 1000 } }))
    for (let i = 0; i < 5000; i += 1) cell.stdout(`line ${i}\n`)
    await cell.end({ state: 'done', summary: 'ok' })
    const text = readFileSync(outputFileOf(run.folder, cell.cellId), 'utf8')
    expect(text.startsWith('line 0\n')).toBe(true)
    expect(text.endsWith('line 4999\n')).toBe(true)
    expect(Buffer.byteLength(text)).toBeLessThan(2200)
    const dropped = Number(/(\d+) bytes of output dropped/.exec(text)?.[1])
    expect(dropped + Buffer.byteLength(text.replace(/\n… .*…\n/, ''))).toBe(run.state().cells[0]?.ended?.stdoutBytes)
    expect(run.state().cells[0]?.ended?.truncated).toBe(true)
    expect(readdirSync(join(run.folder, 'cells', cell.cellId))).toEqual(['output.log'])
    await run.close()
  })

  it('loses nothing below the bound and counts every byte above it (property)', () => {
    const folder = temporaryFolder()
    let n = 0
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 2, max: 200 }),
        (pieces, head, tail) => {
          n += 1
          const file = createOutputFile(join(folder, String(n)), { headBytes: head, tailBytes: tail })
          for (const piece of pieces) file.write(piece)
          const dropped = file.finish()
          const whole = Buffer.from(pieces.join(''))
          const stored = readFileSync(file.path)
          if (dropped === 0) expect(stored.equals(whole)).toBe(true)
          else {
            const said = Buffer.byteLength(`\n… ${dropped} bytes of output dropped here …\n`)
            expect(stored.byteLength - said + dropped).toBe(whole.byteLength)
            expect(stored.subarray(0, head).equals(whole.subarray(0, head))).toBe(true)
            const kept = stored.byteLength - said - head
            expect(stored.subarray(-kept).equals(whole.subarray(-kept))).toBe(true)
            expect(kept).toBeLessThanOrEqual(tail)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('keeps what was run, what it ran in and what it is about', async () => {
    const { run } = await newRun(undefined, {
      scrub: (value) => JSON.parse(JSON.stringify(value).replaceAll('hunter22', '***')),
    })
    const boundTo = { plan: 'a'.repeat(64) }
    const cell = await openCell(run, { ...request, source: 'echo hunter22', environment: 'e1', boundTo }, deps())
    const { started } = run.state().cells[0] ?? {}
    expect(started).toMatchObject({ source: 'echo ***', environment: 'e1', boundTo })
    const long = await openCell(run, { ...request, source: 'x'.repeat(200_000) }, deps())
    expect(run.state().cells[1]?.started.source).toMatch(/^x{65536}\n… 134464 characters more …\n$/)
    await cell.end({ state: 'done', summary: '' })
    await long.end({ state: 'done', summary: '' })
    await run.close()
  })

  it('has its process group on record while it runs, also for whoever ends it after a crash', async () => {
    const { run, options } = await newRun()
    const cell = await openCell(run, request, deps())
    const process = { host: 'gpu', pgid: 4711, startTicks: 99, bootId: 'b' }
    await cell.process?.(process)
    expect(run.state().cells[0]?.process).toEqual({ ...process, cellId: cell.cellId })
    await run.close()
    const again = await openRun(run.folder, options)
    await endLostCells(again)
    expect(again.state().cells[0]?.ended?.process).toEqual({ pgid: 4711, startTicks: 99 })
    await again.close()
  })

  it('keeps the hosts of one act apart: a secret split over two pieces of one is masked, and every line says whose it is', async () => {
    const { run } = await newRun()
    const cell = await openCell(run, request, deps())
    const [a, b] = [cell.part?.('a'), cell.part?.('b')]
    a?.stdout('one hun')
    b?.stdout('two\nthree\n')
    a?.stdout('ter22\nno end')
    await cell.end({ state: 'done', summary: '' })
    const text = readFileSync(outputFileOf(run.folder, cell.cellId), 'utf8')
    expect(text).toBe('[b] two\n[b] three\n[a] one ***\n[a] no end\n')
    expect(run.state().cells[0]?.ended).toMatchObject({ redactions: 1, stdoutBytes: 29 })
    await run.close()
  })

  it('refuses ids that would leave the folder', () => {
    for (const bad of ['../x', '', 'a/b', 'a\0']) expect(() => outputFileOf('/r', bad)).toThrow(/not a cell id/)
  })

  it('may be quiet', async () => {
    await expect(quietCell('c').end({ state: 'done', summary: '' })).resolves.toBeUndefined()
  })
})

describe('cells that a killed kx left open', () => {
  it('end as unknown, or as what a look found, and only when nobody else has the run open', async () => {
    const { run, options } = await newRun()
    const first = await openCell(run, request, deps())
    const second = await openCell(run, request, deps())
    const beside = await openRun(run.folder, options)
    expect(await endLostCells(beside)).toEqual([])
    await beside.close()
    await run.close()
    const again = await openRun(run.folder, options)
    const ended = await endLostCells(again, async (cell) =>
      cell.started.cellId === second.cellId ? { state: 'done', text: 'exit file says 0' } : null,
    )
    expect(ended).toHaveLength(2)
    expect(again.state().cells.map((c) => [c.started.cellId, c.ended?.state])).toEqual([
      [first.cellId, 'unknown'],
      [second.cellId, 'done'],
    ])
    expect(await endLostCells(again)).toEqual([])
    await again.close()
  })
})
