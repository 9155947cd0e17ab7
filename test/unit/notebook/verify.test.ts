import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyJournal } from '../../../src/notebook/verify.ts'
import { newRun } from '../run/support.ts'
import { acted } from './scene.ts'

async function verified() {
  const { run } = await newRun()
  const ids = await acted(run, [
    { title: 'One', output: 'x' },
    { title: 'Two', output: 'y' },
  ])
  await run.close()
  const path = join(run.folder, 'journal.jsonl')
  return { folder: run.folder, ids, path, lines: readFileSync(path, 'utf8').trimEnd().split('\n') }
}

describe('the chain of a journal', () => {
  it('is whole, and says its head', async () => {
    const { folder, lines } = await verified()
    const report = verifyJournal(folder)
    expect(report).toMatchObject({
      records: lines.length,
      lines: lines.length,
      broken: null,
      tornBytes: 0,
      missingOutputs: [],
    })
    expect(report.headSha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('says at which line and byte it broke, and up to where it is vouched for', async () => {
    const { folder, path, lines } = await verified()
    const edited = lines.map((line, i) => (i === 2 ? line.replace('"ok"', '"ko"') : line))
    writeFileSync(path, `${edited.join('\n')}\n`)
    // The edit is in line 3; the line after it is the first that does not follow.
    const { broken } = verifyJournal(folder)
    expect(broken).toMatchObject({ line: 4, why: 'does not follow from the line before it', lastGood: { sequence: 3 } })
    expect(broken?.offset).toBe(Buffer.byteLength(edited.slice(0, 3).join('\n')) + 1)
    writeFileSync(path, `${lines.toSpliced(1, 1).join('\n')}\n`)
    expect(verifyJournal(folder).broken).toMatchObject({ line: 2 })
    writeFileSync(path, `${['{}', ...lines].join('\n')}\n`)
    expect(verifyJournal(folder).broken).toMatchObject({ line: 1, offset: 0, lastGood: null })
  })

  it('tells a half-written end and outputs that are gone', async () => {
    const { folder, path, ids } = await verified()
    appendFileSync(path, '{"v":1,')
    rmSync(join(folder, 'cells', ids[1] ?? ''), { recursive: true })
    expect(verifyJournal(folder)).toMatchObject({ broken: null, tornBytes: 7, missingOutputs: [ids[1]] })
  })
})
