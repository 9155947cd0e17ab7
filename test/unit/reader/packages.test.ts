import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Columns } from '../../../src/reader/columns.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'

/** Runs by the real packages, with what their own readers say of them: test/tools/reader-fixtures.py writes both. */
const root = join(import.meta.dirname, '../../fixtures/readers')
const formats = readdirSync(root).filter((name) => existsSync(join(root, name, 'expected.json')))

interface Expected {
  readonly points: Readonly<Record<string, readonly (readonly [number, number | string])[]>>
  readonly settings: Readonly<Record<string, unknown>>
  readonly records?: number
}

const figure = (value: number | string) => (typeof value === 'number' ? value : Number(value))

describe('runs of the real packages', () => {
  it('are there for every tracker', () => {
    expect(formats.sort()).toEqual(
      expect.arrayContaining([
        'dvclive',
        'lightning',
        'mlflow-files',
        'mlflow-sqlite',
        'tfevents',
        'trackio',
        'trainer',
        'wandb',
      ]),
    )
  })

  it.each(formats)('%s: every point is what the package itself reads', async (format) => {
    const expected = JSON.parse(readFileSync(join(root, format, 'expected.json'), 'utf8')) as Expected
    const { runs } = await scan(localFolder(join(root, format)))
    expect(runs.map((run) => run.format)).toEqual([format])
    const columns = new Columns()
    const reader = (runs[0] as (typeof runs)[number]).open()
    const reports = await reader.advance(columns)
    await reader.close()
    expect([...columns.names].sort()).toEqual(Object.keys(expected.points).sort())
    for (const [name, points] of Object.entries(expected.points)) {
      const column = columns.column(name)
      expect([...(column?.steps ?? [])], name).toEqual(points.map(([step]) => step))
      expect([...(column?.values ?? [])], name).toEqual(points.map(([, value]) => figure(value)))
    }
    const settings = Object.fromEntries(
      [...columns.settings.values()].map(({ path, value }) => [path.join('.'), value]),
    )
    expect(settings).toMatchObject(expected.settings)
    expect(reports.flatMap(({ notes }) => notes)).toEqual([])
    for (const report of reports) expect(report).toMatchObject({ crcErrors: 0, skippedBytes: 0, isTruncated: false })
    if (expected.records !== undefined) expect(reports[0]?.records).toBe(expected.records)
  })
})
