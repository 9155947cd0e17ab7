import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logMetrics } from '../../../src/engine/log-metrics.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** Records without their times, and the result, as kx reads them. */
function asRead(pattern: string, log: string) {
  const reader = logMetrics(pattern)
  const records = [...reader.take('stdout', encode(log), 1), ...reader.end(2)]
  return { records: records.map(({ time: _, ...rest }) => rest), result: reader.result() }
}

const part = await readFile(join(import.meta.dirname, '../../../src/engine/box/runner/log-metrics.sh'), 'utf8')
const runnerTools = `
now_ms() { now=1700000000123; }
put() { printf '%s\\n' "$2" >"$1.tmp" && mv -f "$1.tmp" "$1"; }
me=1 log_pattern=$2 dir=$1
`

/** The same by the runner's own part, in a shell with its awk; the log is fed in pieces of so many bytes. */
function asOnBox(pattern: string, log: string, shell: readonly string[], pieces = 1) {
  const dir = mkdtempSync(join(tmpdir(), 'kx-log-'))
  try {
    const bytes = encode(log)
    const size = Math.ceil(bytes.length / pieces)
    const run = (script: string) =>
      execFileSync(shell[0] ?? 'sh', [...shell.slice(1), '-c', `${runnerTools}${part}\n${script}`, 'sh', dir, pattern])
    run('begin_log')
    for (let i = 1; i < pieces; i++) {
      writeFileSync(join(dir, 'log'), bytes.subarray(0, i * size))
      run('take_log "$dir" 0')
    }
    writeFileSync(join(dir, 'log'), bytes)
    run('take_log "$dir" 1; log_result "$dir"')
    const text = (name: string) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : '')
    const records = text('metrics.jsonl')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const result = text('result.json')
    return { records: records.map(({ time: _, ...rest }) => rest), result: result === '' ? null : JSON.parse(result) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const shells: readonly (readonly string[])[] = [['dash'], ['busybox', 'sh']]

const cases: readonly (readonly [pattern: string, log: string, records: readonly unknown[], result: unknown])[] = [
  [
    '{name}={value}',
    'step=3 loss=0.5 acc=.9\nstep=4 loss=nan\n',
    [
      { step: 3, loss: 0.5, acc: 0.9 },
      { step: 4, loss: 'NaN' },
    ],
    { loss: 'NaN', acc: 0.9, nan_count: 1 },
  ],
  ['{name}: {value}', 'Epoch  loss:\t 1.50e-3, val/acc: 5.\n', [{ step: 1, loss: 0.0015, 'val/acc': 5 }], undefined],
  ['[{name}] {value}!', 'x [a] 1! [b] 2 [c] 3!\n', [{ step: 1, a: 1, c: 3 }], { a: 1, c: 3, nan_count: 0 }],
  ['metric_{name}={value}', 'loss=1 val_metric_acc=0.9\n', [{ step: 1, acc: 0.9 }], undefined],
  [
    '{name}={value}',
    'a=1\rb=2\r\nc=3',
    [
      { step: 1, a: 1 },
      { step: 2, b: 2 },
      { step: 3, c: 3 },
    ],
    undefined,
  ],
  ['{name}={value}', '\u001b[32mloss\u001b[0m=\u001b[1m2\u001b[0m\n', [{ step: 1, loss: 2 }], undefined],
  ['{name}={value}', 'host=info v=1.2.3 day=2024-01-02 t=12s c=12ab pair=1,2 é=1 né=2\n', [], null],
  [
    '{name}={value}',
    'a=-inf b=+Infinity c=1e999 d=-007.50 e=+3\n',
    [{ step: 1, a: '-Infinity', b: 'Infinity', c: 'Infinity', d: -7.5, e: 3 }],
    undefined,
  ],
  [
    '{name}={value}',
    'step=2\nloss=1\nloss=2\nstep=1.5 time=9 loss=3\n',
    [
      { step: 2, loss: 1 },
      { step: 2, loss: 2 },
      { step: 2, loss: 3 },
    ],
    undefined,
  ],
  ['{name}={value}', `${'x'.repeat(9000)} a=1\nb=2 ${'y'.repeat(8000)}\n`, [{ step: 1, b: 2 }], undefined],
  ['{name}={value}', 'nothing here\n', [], null],
  ["{name}\\'{value}", "a\\'1\n", [{ step: 1, a: 1 }], undefined],
]

describe('metrics from a log', () => {
  it.each(cases)('reads %j', (pattern, log, records, result) => {
    const read = asRead(pattern, log)
    expect(read.records).toEqual(records)
    if (result !== undefined) expect(read.result).toEqual(result)
    for (const shell of shells) {
      expect(asOnBox(pattern, log, shell)).toEqual(read)
      expect(asOnBox(pattern, log, shell, 3)).toEqual(read)
    }
  })

  it('reads the same on the box and here, whatever the log holds', () => {
    const word = fc.constantFrom(
      'a',
      'loss',
      'step',
      'val/acc',
      '=',
      ': ',
      '0.5',
      '-1e3',
      'NaN',
      'inf',
      '12',
      '.',
      ',',
      ' ',
      '\t',
      '\n',
      '\r',
      '/',
      'é',
      '\\',
      '"',
      '%',
      '_',
      '1e999',
      '{',
      '\u001b[1m',
    )
    const pattern = fc.constantFrom(
      '{name}={value}',
      '{name}: {value}',
      '{name} {value}',
      '[{name}={value}]',
      '{name}={value},',
      'a_{name}={value}',
    )
    fc.assert(
      fc.property(pattern, fc.array(word, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (text, words, pieces) => {
        const log = words.join('')
        const read = asRead(text, log)
        for (const shell of shells) expect(asOnBox(text, log, shell, pieces)).toEqual(read)
      }),
      { numRuns: process.env.KX_FULL ? 500 : 15 },
    )
  }, 300_000)

  it('takes what comes in any pieces, and says where a step is named', () => {
    const reader = logMetrics('{name}={value}')
    expect(reader.take('stdout', encode('step=1 lo'), 1)).toEqual([])
    expect(reader.take('stderr', encode('warn=2\n'), 2)).toEqual([{ step: 1, warn: 2, time: 2 }])
    expect(reader.namesSteps()).toBe(false)
    expect(reader.take('stdout', encode('ss=3\nstep=2 loss=4\n'), 3)).toEqual([
      { step: 1, loss: 3 },
      { step: 2, loss: 4, time: 3 },
    ])
    expect(reader.namesSteps()).toBe(true)
  })

  it('skips what a flooded log has left far behind, and still takes its end', () => {
    const line = `noise=1 ${'.'.repeat(90)}\n`
    const log = `first=1\n${line.repeat(60_000)}acc=0.75\n`
    const { result, records } = asOnBox('{name}={value}', log, ['sh'])
    expect(result).toEqual({ noise: 1, acc: 0.75, nan_count: 0 })
    expect(records.length).toBeLessThan(11_000)
  })
})
