import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { pinsOf, refusalOf, wantedEnvironment } from '../../src/environment/rules.ts'
import { planSchema } from '../../src/spec/schema.ts'
import { expandUnits } from '../../src/spec/units.ts'
import { waitUntil } from '../harness/wait.ts'
import { localProfile } from '../unit/audit/support.ts'

const project = resolve(import.meta.dirname, '../../examples/cpcv-torch')
const scratch = mkdtempSync(join(tmpdir(), 'kx-sample-torch-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const textOf = (name: string) => readFileSync(join(project, name), 'utf8')
const plan = planSchema.parse(parse(textOf('kx.yaml')))

describe('the PyTorch sample', () => {
  it('has a plan whose files, splits and data are those of the project', () => {
    const config = JSON.parse(textOf('config.json')) as { groups: number; choose: number }
    expect(plan.units).toMatchObject({ cpcv: { groups: config.groups, choose: config.choose } })
    expect(expandUnits(plan)).toHaveLength(45)
    const [data] = plan.data
    const bytes = readFileSync(join(project, data?.path ?? ''))
    expect([bytes.byteLength, createHash('sha256').update(bytes).digest('hex')]).toEqual([data?.bytes, data?.sha256])
    for (const [, script] of [plan.command, ...plan.after.map((step) => step.command)])
      expect(existsSync(join(project, script ?? '')), script).toBe(true)
    for (const metric of plan.metrics) expect(textOf('train.py')).toContain(`'${metric.name}'`)
  })

  it('pins everything, by hash, with the torch that it asks for', () => {
    const wanted = wantedEnvironment(plan, localProfile)
    if (wanted.kind !== 'uv') throw new Error(wanted.kind)
    for (const file of ['requirements.lock', 'requirements-wandb.lock']) {
      const text = textOf(file)
      expect(refusalOf(file, text, wanted)).toBeNull()
      const asked = [...pinsOf(textOf('requirements.in'))]
      for (const [name, { versions }] of asked) expect(pinsOf(text).get(name)?.versions).toEqual(versions)
      for (const pin of text
        .replace(/\\\n/g, ' ')
        .split('\n')
        .filter((line) => /^[a-z0-9]/i.test(line)))
        expect(pin).toMatch(/--hash=sha256:[0-9a-f]{64}/)
    }
  })

  it('scripts are Python that can be read', () => {
    const python = spawnSync(
      'python3',
      ['-c', 'import ast, sys\nfor p in sys.argv[1:]: ast.parse(open(p).read(), p)'].concat(
        ['train.py', 'aggregate.py', 'splits.py', 'files.py'].map((name) => join(project, name)),
      ),
      { encoding: 'utf8' },
    )
    expect(python.stderr).toBe('')
  })

  it('cuts the rows as the other sample does', () => {
    const script = `import json, sys; sys.path.insert(0, ${JSON.stringify(project)}); sys.dont_write_bytecode = True
from splits import all_splits, split_rows
print(json.dumps([split_rows(569, 10, groups, 4, 6) for groups in all_splits(10, 2)]))`
    const ran = spawnSync('python3', ['-c', script], { encoding: 'utf8' })
    expect(ran.stderr).toBe('')
    const other = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
import { combinations, splitRows } from ${JSON.stringify(resolve(project, '../cpcv/split.mjs'))}
console.log(JSON.stringify(combinations(10, 2).map((testGroups) => {
  const { train, test, dropped } = splitRows({ rows: 569, groups: 10, testGroups, purgeRows: 4, embargoRows: 6 })
  return [train, test, dropped]
})))`,
      ],
      { encoding: 'utf8' },
    )
    expect(JSON.parse(ran.stdout)).toEqual(JSON.parse(other.stdout))
  })
})

/** Gigabytes are brought only when asked for: KX_TORCH=1 with uv, or KX_TORCH_PYTHON naming a Python that has torch. */
function torchPython(): string | null {
  const named = process.env.KX_TORCH_PYTHON
  if (named !== undefined) return named
  if (process.env.KX_TORCH !== '1') {
    console.warn('skipped: training with torch needs its wheels (2.5 GB): KX_TORCH=1 brings them with uv')
    return null
  }
  const venv = join(scratch, 'venv')
  for (const args of [
    ['venv', '--no-project', '--python', plan.environment.kind === 'uv' ? (plan.environment.python ?? '') : '', venv],
    ['pip', 'sync', '--python', join(venv, 'bin/python'), '--require-hashes', join(project, 'requirements.lock')],
  ]) {
    const ran = spawnSync('uv', args, { encoding: 'utf8' })
    if (ran.status !== 0) throw new Error(`uv ${args.join(' ')}: ${ran.error?.message ?? ran.stderr}`)
  }
  return join(venv, 'bin/python')
}
const python = torchPython()

describe.skipIf(python === null)('one split of the PyTorch sample, for real', () => {
  const start = (folder: string): ChildProcess => {
    mkdirSync(join(scratch, folder), { recursive: true })
    return spawn(python ?? '', [join(project, 'train.py'), '--split', '3', '--epochs', '40'], {
      env: {
        ...process.env,
        ...{ KX_UNIT: 'split-00-04', KX_UNIT_DIR: join(scratch, folder), KX_SEED: '7', CPCV_DEVICE: 'cpu' },
        ...{ OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
      },
      stdio: 'ignore',
    })
  }
  const ended = async (child: ChildProcess) => {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return code ?? signal
  }
  const steps = (folder: string) => {
    const file = join(scratch, folder, 'metrics.jsonl')
    if (!existsSync(file)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { step: number }).step)
  }
  const result = (folder: string) => {
    const { elapsed_s, ...rest } = JSON.parse(readFileSync(join(scratch, folder, 'result.json'), 'utf8')) as Record<
      string,
      unknown
    >
    return rest
  }
  const reaches = (folder: string, step: number) =>
    waitUntil(() => steps(folder).length >= step, { timeoutMs: 300_000, what: `${folder} to reach step ${step}` })

  it('killed, stopped and resumed, ends as if nothing had been', async () => {
    expect(await ended(start('whole'))).toBe(0)
    const killed = start('cut')
    await reaches('cut', 13)
    killed.kill('SIGKILL')
    expect(await ended(killed)).toBe('SIGKILL')
    const stopped = start('cut')
    await reaches('cut', 25)
    stopped.kill('SIGTERM')
    expect(await ended(stopped)).toBe(143)
    expect(await ended(start('cut'))).toBe(0)
    expect(result('cut')).toEqual(result('whole'))
    expect(result('whole').test_acc).toBeGreaterThan(0.9)
    expect(new Set(steps('cut'))).toEqual(new Set(steps('whole')))
    expect(JSON.parse(readFileSync(join(scratch, 'cut/env_fingerprint.json'), 'utf8'))).toMatchObject({
      deterministic: true,
    })
  }, 900_000)

  it('refuses a checkpoint with one changed byte, and leaves it as it is', async () => {
    const running = start('broken')
    await reaches('broken', 11)
    running.kill('SIGKILL')
    await ended(running)
    const file = join(scratch, 'broken/checkpoints/latest.ckpt')
    const bytes = readFileSync(file)
    bytes[bytes.length - 900] = (bytes[bytes.length - 900] ?? 0) ^ 1
    writeFileSync(file, bytes)
    expect(await ended(start('broken'))).toBe(1)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  }, 900_000)
})
