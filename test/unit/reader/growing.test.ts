import { describe, expect, it } from 'vitest'
import { Columns } from '../../../src/reader/columns.ts'
import { csvReader } from '../../../src/reader/csv.ts'
import { dvcliveReader } from '../../../src/reader/dvclive.ts'
import { jsonlReader } from '../../../src/reader/jsonl.ts'
import { lightningReader } from '../../../src/reader/lightning.ts'
import { logPatternReader } from '../../../src/reader/log-pattern.ts'
import { mlflowFilesReader } from '../../../src/reader/mlflow/files.ts'
import { renewing } from '../../../src/reader/renewing.ts'
import { seedReader } from '../../../src/reader/seed.ts'
import { tfeventsReader } from '../../../src/reader/tfevents/reader.ts'
import { trainerReader } from '../../../src/reader/trainer.ts'
import type { Folder, RunReader } from '../../../src/reader/types.ts'
import { GrowingFolder } from '../../harness/growing-folder.ts'
import { eventFile, scalarEvent } from '../../harness/tfevents-file.ts'

interface Case {
  readonly name: string
  readonly file: string
  readonly bytes: Buffer | string
  readonly open: (folder: Folder) => RunReader
  /** Points by metric: step and value. */
  readonly points: Readonly<Record<string, readonly (readonly [number, number])[]>>
  readonly summaries?: Readonly<Record<string, unknown>>
}

const NaN_ = Number.NaN
const cases: readonly Case[] = [
  {
    name: 'event files of TensorBoard',
    file: 'events.out.tfevents.1',
    bytes: eventFile([
      scalarEvent(0, { loss: 1, acc: 0.25 }),
      scalarEvent(128, { loss: NaN_ }),
      scalarEvent(300, { loss: 0.5, acc: 0.75 }),
    ]),
    open: (folder) => tfeventsReader(folder, ['.']),
    points: {
      acc: [
        [0, 0.25],
        [300, 0.75],
      ],
      loss: [
        [0, 1],
        [128, NaN_],
        [300, 0.5],
      ],
    },
  },
  {
    name: 'JSON lines',
    file: 'metrics.jsonl',
    bytes: '{"step":1,"loss":0.125}\n\n{"step":2,"loss":NaN,"e":{"acc":12}}\nno json\n{"step":30,"löss":1e-3}\r\n',
    open: (folder) => jsonlReader(folder.open('metrics.jsonl')),
    points: {
      'e/acc': [[2, 12]],
      loss: [
        [1, 0.125],
        [2, NaN_],
      ],
      löss: [[30, 0.001]],
    },
  },
  {
    name: 'a table',
    file: 'metrics.csv',
    bytes: 'step,loss,"val, ""a"""\r\n1,0.125,\r\n2,,"0.5"\r\n"3",nan,12.25\r\n',
    open: (folder) => csvReader(folder.open('metrics.csv')),
    points: {
      loss: [
        [1, 0.125],
        [3, NaN_],
      ],
      'val, "a"': [
        [2, 0.5],
        [3, 12.25],
      ],
    },
  },
  {
    name: 'a table of DVCLive',
    file: 'live/plots/metrics/val/acc.tsv',
    bytes: 'step\tacc\ttimestamp\n0\t0.125\t1700000000000\n1\tNaN\t1700000001000\n2\t12.5\t1700000002000\n',
    open: (folder) => dvcliveReader(folder, 'live'),
    points: {
      'val/acc': [
        [0, 0.125],
        [1, NaN_],
        [2, 12.5],
      ],
    },
  },
  {
    name: 'a table of Lightning',
    file: 'v/metrics.csv',
    bytes: 'epoch,step,train_loss,val_loss\n0,9,0.75,\n0,9,,0.5\n1,19,0.625,\n',
    open: (folder) => lightningReader(folder, 'v'),
    points: {
      epoch: [
        [9, 0],
        [9, 0],
        [19, 1],
      ],
      train_loss: [
        [9, 0.75],
        [19, 0.625],
      ],
      val_loss: [[9, 0.5]],
    },
  },
  {
    name: 'a metric file of MLflow',
    file: 'r/metrics/val/acc',
    bytes: '1700000000000 0.125 1\n1700000001000 nan 20\n1700000002000 12.5 300 extra\n',
    open: (folder) => mlflowFilesReader(folder, 'r'),
    points: {
      'val/acc': [
        [1, 0.125],
        [20, NaN_],
        [300, 12.5],
      ],
    },
  },
  {
    name: 'the state of a trainer',
    file: 'out/trainer_state.json',
    bytes: JSON.stringify({
      best_metric: 0.5,
      global_step: 20,
      log_history: [
        { step: 10, loss: 1.25 },
        { step: 20, loss: 0.75, eval_loss: 0.5 },
      ],
    }),
    open: (folder) => trainerReader(folder, 'out'),
    points: {
      eval_loss: [[20, 0.5]],
      loss: [
        [10, 1.25],
        [20, 0.75],
      ],
    },
    summaries: { best_metric: 0.5 },
  },
  {
    name: 'metrics.json',
    file: 'run/metrics.json',
    bytes: '{"experiment":"a","test_acc":0.125,"nan":NaN,"resource_usage":{"gpu_hours":12.5,"ok":true},"last":10.25}',
    open: (folder) => seedReader(folder, 'run'),
    points: {},
    summaries: { last: 10.25, nan: NaN_, 'resource_usage/gpu_hours': 12.5, 'resource_usage/ok': 1, test_acc: 0.125 },
  },
  {
    name: 'a log',
    file: 'output.log',
    bytes: 'start\nstep 1/300 loss=0.125 lr: 1e-4\nstep 20 | loss: nan\n[300/300] val_loss=12.5 done\n',
    open: (folder) => logPatternReader(folder.open('output.log')),
    points: {
      loss: [
        [1, 0.125],
        [20, NaN_],
      ],
      lr: [[1, 1e-4]],
      val_loss: [[300, 12.5]],
    },
  },
]

type Points = Record<string, (readonly [number, number])[]>
const pointsOf = (columns: Columns): Points =>
  Object.fromEntries(
    columns.all().map(({ name, steps, values }) => [name, [...steps].map((step, at) => [step, values[at] as number])]),
  )
const summariesOf = (columns: Columns) =>
  Object.fromEntries([...columns.summaries.values()].map(({ path, value }) => [path.join('/'), value]))

describe.each(cases)('$name', ({ file, bytes: whole, open, points, summaries = {} }) => {
  const bytes = Buffer.from(whole)
  const start = () => {
    const folder = new GrowingFolder()
    const columns = new Columns()
    return { folder, columns, reader: renewing('csv', () => open(folder)) }
  }
  /** No figure that the whole file does not hold, none left out before one that is there. */
  const expectPart = (columns: Columns, cut: number) => {
    for (const [name, part] of Object.entries(pointsOf(columns))) {
      expect(part, `${name} cut at ${cut}`).toEqual(points[name]?.slice(0, part.length))
    }
    for (const [name, value] of Object.entries(summariesOf(columns))) {
      expect(value, `${name} cut at ${cut}`).toEqual(summaries[name])
    }
  }

  it('is read whole', async () => {
    const { folder, columns, reader } = start()
    folder.write(file, bytes)
    const [report] = await reader.advance(columns)
    expect(pointsOf(columns)).toEqual(points)
    expect(summariesOf(columns)).toEqual(summaries)
    expect(report).toMatchObject({ crcErrors: 0, skippedBytes: 0, isTruncated: false })
  })

  it('cut at any byte invents nothing, and read on is what it is at once', async () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const { folder, columns, reader } = start()
      folder.write(file, bytes.subarray(0, cut))
      const [first] = await reader.advance(columns)
      expect(first?.crcErrors ?? 0, `cut at ${cut}`).toBe(0)
      expectPart(columns, cut)
      folder.write(file, bytes)
      await reader.advance(columns)
      expect(pointsOf(columns), `cut at ${cut}`).toEqual(points)
      expect(summariesOf(columns), `cut at ${cut}`).toEqual(summaries)
    }
  })

  it('is the same when it is written byte by byte', async () => {
    const { folder, columns, reader } = start()
    for (let cut = 0; cut <= bytes.length; cut++) {
      folder.write(file, bytes.subarray(0, cut))
      await reader.advance(columns)
      expectPart(columns, cut)
    }
    expect(pointsOf(columns)).toEqual(points)
  })
})

describe('a last line without its end', () => {
  it.each(cases.filter(({ bytes }) => typeof bytes === 'string' && bytes.endsWith('\n')))(
    'of $name is still being written: no point, and said so',
    async ({ file, bytes, open, points }) => {
      const folder = new GrowingFolder()
      const columns = new Columns()
      const text = String(bytes).replace(/\r?\n$/, '')
      folder.write(file, text)
      const [report] = await renewing('csv', () => open(folder)).advance(columns)
      const count = (of: object) => Object.values(of).flat().length
      expect(count(pointsOf(columns))).toBeLessThan(count(points))
      expect(report?.isTruncated).toBe(true)
    },
  )
})

describe('a table', () => {
  const read = async (versions: readonly (string | Buffer)[]) => {
    const folder = new GrowingFolder()
    const columns = new Columns()
    const reader = renewing('lightning', () => lightningReader(folder, 'v'))
    let resets = 0
    const reset = columns.reset.bind(columns)
    columns.reset = () => {
      resets++
      reset()
    }
    for (const text of versions) {
      folder.write('v/metrics.csv', text)
      await reader.advance(columns)
    }
    const [report] = await reader.advance(columns)
    return { points: pointsOf(columns), resets, report }
  }

  it('that was written anew with another header is read anew, however much of it is there', async () => {
    const old = 'step,loss\n1,0.5\n2,0.25\n'
    const next = 'step,loss,val\n1,0.5,\n2,0.25,\n3,,0.75\n'
    const { points } = await read([next])
    for (let cut = 0; cut <= next.length; cut++) {
      const part = await read([old, next.slice(0, cut)])
      for (const [name, known] of Object.entries(part.points))
        expect(known).toEqual(points[name]?.slice(0, known.length))
      expect((await read([old, next.slice(0, cut), next])).points, `cut at ${cut}`).toEqual(points)
    }
  })

  it('whose header is no UTF-8 is not taken for another one each time', async () => {
    const { points, resets } = await read([
      Buffer.from('step,caf\xe9\n1,2\n', 'latin1'),
      Buffer.from('step,caf\xe9\n1,2\n2,3\n', 'latin1'),
    ])
    expect(Object.values(points)).toEqual([
      [
        [1, 2],
        [2, 3],
      ],
    ])
    expect(resets).toBe(0)
  })

  it('goes on behind a stray quote in a cell', async () => {
    const { points } = await read(['step,loss,size\n1,0.5,5" disc\n2,0.25,7\n'])
    expect(points.loss).toEqual([
      [1, 0.5],
      [2, 0.25],
    ])
  })

  it('keeps a line break and a doubled quote inside of quotes', async () => {
    const { points } = await read(['step,note,loss\n1,"a\nb ""c"", d",0.5\n2,"""",0.25\n3,"",0.125\n'])
    expect(points.loss).toEqual([
      [1, 0.5],
      [2, 0.25],
      [3, 0.125],
    ])
  })

  it('whose quote is never closed loses that line, and not what comes behind', async () => {
    const rows = Array.from({ length: 100_000 }, (_, at) => `${at + 2},0.25,x`)
    const { points } = await read([`step,loss,note\n1,0.5,"open\n${rows.join('\n')}\n`])
    expect(points.loss?.length).toBe(100_001)
  })
})
