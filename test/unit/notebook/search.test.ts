import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { searchLines, searchLiteral } from '../../../src/notebook/search.ts'
import { newRun } from '../run/support.ts'
import { acted } from './scene.ts'

const lines = (n: number, word = '') => Array.from({ length: n }, (_, i) => `line ${i} ${word}\n`).join('')

describe('search over outputs', () => {
  it('finds every line that holds the text, with its number, in the order of the cells', async () => {
    const { run } = await newRun()
    const [a, b] = await acted(run, [
      { title: 'One', output: `${lines(10)}needle needle\n${lines(5)}a needle` },
      { title: 'Two', output: 'nothing\nNeedle\n\nneedle' },
      { title: 'Three', output: '' },
    ])
    const found = await searchLiteral({ folder: run.folder, cells: run.state().cells, text: 'needle', most: 10 })
    expect(found.count).toBe(3)
    expect(found.hits).toEqual([
      { cellId: a, line: 11, text: 'needle needle' },
      { cellId: a, line: 17, text: 'a needle' },
      { cellId: b, line: 4, text: 'needle' },
    ])
    const few = await searchLiteral({ folder: run.folder, cells: run.state().cells, text: 'line', most: 2 })
    expect([few.hits.length, few.count]).toEqual([2, 15])
    await run.close()
  })

  it('finds the same in threads as in turns, also in bytes that are no text and in very long lines', async () => {
    const { run } = await newRun()
    await acted(
      run,
      Array.from({ length: 8 }, (_, i) => ({ title: `C${i}`, output: 'x\n' })),
    )
    const bytes = Buffer.concat([
      Buffer.from('é'.repeat(900_000)),
      Buffer.from([0xff, 0x00, 0x0a]),
      Buffer.from('µ needle µ\n'),
      Buffer.alloc(6_000_000, 0x61),
      Buffer.from('needle'),
    ])
    for (const { started } of run.state().cells)
      writeFileSync(join(run.folder, 'cells', started.cellId, 'output.log'), bytes)
    // As many bytes as are worth threads, by the record.
    const large = run.state().cells.map((cell) => ({
      ...cell,
      ended: cell.ended === null ? null : { ...cell.ended, stdoutBytes: bytes.length },
    }))
    const small = run.state().cells
    const [threads, turns] = await Promise.all(
      [large, small].map((cells) => searchLiteral({ folder: run.folder, cells, text: 'needle', most: 100 })),
    )
    expect(threads).toEqual(turns)
    expect(threads?.count).toBe(16)
    expect(threads?.hits[0]).toMatchObject({ line: 2, text: 'µ needle µ' })
    expect(threads?.hits[1]?.text).toMatch(/^a{160}needle$/)
    expect(threads?.bytes).toBe(bytes.length * 8)
    await run.close()
  })

  it('gives the first hits of a pattern before the rest was read', async () => {
    const { run } = await newRun()
    await acted(run, [
      { title: 'One', output: 'abc 1\nabd 2\n' },
      { title: 'Two', output: 'abe 3\n' },
    ])
    const { cells } = run.state()
    const search = searchLines(run.folder, cells, (line) => /ab[ce]/.test(line))
    expect((await search.next()).value).toMatchObject({ line: 1, text: 'abc 1' })
    // What is read only now is found as it is now.
    writeFileSync(join(run.folder, 'cells', cells[1]?.started.cellId ?? '', 'output.log'), 'abe 4\n')
    expect((await search.next()).value).toMatchObject({ text: 'abe 4' })
    expect((await search.next()).done).toBe(true)
    await run.close()
  })

  it('passes over cells without a file and ids that would leave the folder, and can be cancelled', async () => {
    const { run } = await newRun()
    mkdirSync(join(run.folder, 'outside'))
    writeFileSync(join(run.folder, 'outside', 'output.log'), 'needle\n')
    const forged = [{ started: { cellId: '../outside' }, startedAtMs: 1, ended: null }] as never
    expect(await searchLiteral({ folder: run.folder, cells: forged, text: 'needle', most: 9 })).toMatchObject({
      count: 0,
    })
    for await (const hit of searchLines(run.folder, forged, () => true)) expect(hit).toBeNull()
    await acted(run, [{ title: 'One', output: 'needle' }])
    const signal = AbortSignal.abort(new Error('cancelled'))
    await expect(
      searchLiteral({ folder: run.folder, cells: run.state().cells, text: 'needle', most: 9, signal }),
    ).rejects.toThrow('cancelled')
    await run.close()
  })
})
