import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { planSchema } from '../../src/spec/schema.ts'
import { expandUnits } from '../../src/spec/units.ts'

const project = resolve(import.meta.dirname, '../../examples/cpcv')
const scratch = mkdtempSync(join(tmpdir(), 'kx-sample-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function start(folder: string, env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [join(project, 'train.mjs'), '--split', '3'], {
    env: {
      ...process.env,
      KX_UNIT: 'split-00-04',
      KX_UNIT_DIR: join(scratch, folder),
      KX_SEED: '7',
      CPCV_EPOCHS: '30',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
}

async function ended(child: ChildProcess): Promise<number | string | null> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return code ?? signal
}

const read = (folder: string, file: string) => readFileSync(join(scratch, folder, file), 'utf8')
const steps = (folder: string): number[] => {
  const file = join(scratch, folder, 'metrics.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => (JSON.parse(line) as { step: number }).step)
}
const result = (folder: string) => {
  const { elapsed_s, ...rest } = JSON.parse(read(folder, 'result.json')) as Record<string, unknown>
  expect(elapsed_s).toBeGreaterThan(0)
  return rest
}
async function until(what: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!what()) {
    if (performance.now() > deadline) throw new Error('waited 30 s in vain')
    await new Promise((wake) => setTimeout(wake, 5))
  }
}

describe('the sample project', () => {
  it('has a valid plan whose data is the file that it names', () => {
    const plan = planSchema.parse(parse(readFileSync(join(project, 'kx.yaml'), 'utf8')))
    expect(expandUnits(plan)).toHaveLength(45)
    const data = readFileSync(join(project, 'data/wdbc.csv'))
    expect(data.byteLength).toBe(plan.data[0]?.bytes)
    expect(createHash('sha256').update(data).digest('hex')).toBe(plan.data[0]?.sha256)
    expect(data.toString().trimEnd().split('\n').length - 1).toBe(plan.data[0]?.rows)
  })

  it('gives the same result twice, and another one for another seed', async () => {
    expect(await ended(start('one'))).toBe(0)
    expect(await ended(start('two'))).toBe(0)
    expect(await ended(start('three', { KX_SEED: '8' }))).toBe(0)
    expect(result('one')).toEqual(result('two'))
    expect(result('three')).not.toEqual(result('one'))
    expect(result('one')).toMatchObject({ test_groups: [0, 4], epochs: 30, nan_count: 0 })
    const losses = (folder: string) =>
      read(folder, 'metrics.jsonl')
        .trim()
        .split('\n')
        .map((l) => (JSON.parse(l) as { loss: number }).loss)
    expect(losses('one')).toEqual(losses('two'))
    expect(losses('one')).toHaveLength(30)
    expect(readdirSync(join(scratch, 'one', 'checkpoints')).sort()).toEqual(['latest.json', 'previous.json'])
  })

  it('killed with -9 and started again, ends with the result of an undisturbed run', async () => {
    const child = start('killed', { CPCV_EPOCHS: '30' })
    await until(() => steps('killed').length >= 12)
    child.kill('SIGKILL')
    expect(await ended(child)).toBe('SIGKILL')
    const before = steps('killed').length
    expect(await ended(start('killed'))).toBe(0)
    const resumed = steps('killed')[before] ?? 0
    expect(resumed).toBeGreaterThan(1)
    expect(resumed).toBeLessThanOrEqual(before + 1)
    expect(result('killed')).toEqual(result('one'))
  })

  it('saves on SIGTERM and leaves with 143', async () => {
    const child = start('stopped', { CPCV_EPOCHS: '100000' })
    await until(() => steps('stopped').length >= 2)
    child.kill('SIGTERM')
    expect(await ended(child)).toBe(143)
    const last = steps('stopped').at(-1) ?? 0
    const saved = JSON.parse(JSON.parse(read('stopped', 'checkpoints/latest.json')).body) as { epoch: number }
    expect(saved.epoch).toBe(last)
  })

  it('refuses a torn checkpoint and leaves it as it is', async () => {
    const child = start('torn', { CPCV_EPOCHS: '100000' })
    await until(() => steps('torn').length >= 6)
    child.kill('SIGKILL')
    await ended(child)
    const file = join(scratch, 'torn', 'checkpoints/latest.json')
    truncateSync(file, 1000)
    const before = readFileSync(file)
    const stepsBefore = steps('torn').length
    expect(await ended(start('torn'))).toBe(1)
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(steps('torn')).toHaveLength(stepsBefore)
  })

  it('changes nothing when a finished unit is started again', async () => {
    const before = read('one', 'result.json')
    const lines = steps('one').length
    expect(await ended(start('one'))).toBe(0)
    expect(read('one', 'result.json')).toBe(before)
    expect(steps('one')).toHaveLength(lines)
  })

  it('gathers units whose seeds differ, as those of a plan do, and refuses those of two environments', async () => {
    expect(await ended(start('all/units/a', { KX_SEED: '7' }))).toBe(0)
    expect(await ended(start('all/units/b', { KX_SEED: '8' }))).toBe(0)
    const aggregate = () =>
      spawn(process.execPath, [join(project, 'aggregate.mjs'), '--expect', '2'], {
        env: { ...process.env, KX_RUN_DIR: join(scratch, 'all') },
        stdio: 'ignore',
      })
    expect(await ended(aggregate())).toBe(0)
    expect(JSON.parse(read('all', 'env_fingerprint.json'))).toMatchObject({ gpu: 'none', seeds: '7 8' })
    const file = join(scratch, 'all/units/b/env_fingerprint.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"gpu":"none"', '"gpu":"another"'))
    expect(await ended(aggregate())).toBe(1)
  })

  it('can be told to fail in every way that an abort rule knows', async () => {
    expect(await ended(start('nan', { CPCV_FAULT: 'nan', CPCV_EPOCHS: '5' }))).toBe(0)
    expect(result('nan')).toMatchObject({ nan_count: 3 })
    expect(read('nan', 'metrics.jsonl')).toContain('"loss":"NaN"')
    expect(await ended(start('low', { CPCV_FAULT: 'below-chance:split-00-04' }))).toBe(0)
    expect(result('low').test_acc).toBeLessThan(0.5)
    expect(await ended(start('from', { CPCV_FAULT: 'crash:3+' }))).toBe(1)
    expect(await ended(start('later', { CPCV_FAULT: 'crash:4+' }))).toBe(0)
    expect(await ended(start('crash', { CPCV_FAULT: 'crash:3' }))).toBe(1)
    expect(await ended(start('oom', { CPCV_FAULT: 'oom' }))).toBe('SIGKILL')
    expect(await ended(start('other', { CPCV_FAULT: 'crash:split-09-09' }))).toBe(0)
    const hung = start('hang', { CPCV_FAULT: 'hang' })
    await until(() => steps('hang').length === 3)
    hung.kill('SIGKILL')
    await ended(hung)
  })
})
