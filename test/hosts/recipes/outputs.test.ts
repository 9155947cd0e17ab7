import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recipe as aggregateVerify } from '../../../recipes/aggregate-verify.ts'
import { recipe as checkpointGenerations } from '../../../recipes/checkpoint-generations.ts'
import { recipe as codeDrift } from '../../../recipes/code-drift.ts'
import { recipe as compareDimensions } from '../../../recipes/compare-dimensions.ts'
import { recipe as inspectBatch } from '../../../recipes/inspect-batch.ts'
import { recipe as parseOutputs } from '../../../recipes/parse-outputs.ts'
import { recipe as resumeDrill } from '../../../recipes/resume-drill.ts'
import { recipe as spotDrill } from '../../../recipes/spot-drill.ts'
import { benchRecipe } from '../../harness/recipe.ts'
import { recipePlace } from '../../harness/recipe-place.ts'
import { needsSshd } from '../../harness/sshd.ts'

/** A unit that saves each step, and loads what it saved unless its checkpoint folder is empty. */
const trainer = `trap 'exit 143' TERM
n=0
[ -f "$KX_CHECKPOINT_DIR/step" ] && [ "$1" = good ] && read -r n <"$KX_CHECKPOINT_DIR/step"
while [ "$n" -lt 1000 ]; do
  n=$((n + 1))
  printf '{"step": %s, "time": 1, "loss": 0.5}\\n' "$n" >>"$KX_UNIT_DIR/metrics.jsonl"
  echo "$n" >"$KX_CHECKPOINT_DIR/step.tmp" && mv "$KX_CHECKPOINT_DIR/step.tmp" "$KX_CHECKPOINT_DIR/step"
  sleep 0.05
done
`

/** One float32 tensor `w` of 2 x 3, whole unless it is cut. */
function safetensors(cutAt?: number): Uint8Array {
  const header = Buffer.from('{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(24)]).subarray(0, cutAt)
}

describe.skipIf(needsSshd().skip)('recipes about results and checkpoints', () => {
  const place = recipePlace()

  it('reads every result and says which cannot be believed', async () => {
    const run = place.prepare('outputs')
    const done = 'code=0\nstate=done\n'
    const row = (step: number, loss: string) => `{"step": ${step}, "time": 1, "loss": ${loss}}\n`
    for (const unit of ['a', 'b', 'cut', 'nan', 'torn', 'none']) run.put(`units/${unit}/exit`, done)
    run.put('units/a/metrics.jsonl', row(1, '0.5'))
    run.put('units/a/result.json', '{"accuracy": 0.8125, "nan_count": 0}')
    const bench = await benchRecipe(parseOutputs, place.host, {
      folder: run.folder,
      run: { plan: { metrics: [{ name: 'accuracy' }] } },
    })
    try {
      for (const unit of ['b', 'cut', 'nan', 'torn', 'none'])
        rmSync(join(run.folder, 'units', unit), { recursive: true })
      expect(await bench.run('parse')).toEqual({ summary: '1 of 1 unit have numbers that can be read' })
      for (const unit of ['b', 'cut', 'nan', 'torn', 'none']) run.put(`units/${unit}/exit`, done)
      run.put('units/b/result.json', '{"nan_count": 0, "accuracy": 0.8125}')
      run.put('units/cut/result.json', '{"accuracy": 0.7')
      run.put('units/nan/metrics.jsonl', row(1, '0.5') + row(2, 'NaN') + row(3, '"-Infinity"'))
      run.put('units/nan/result.json', '{"accuracy": NaN}')
      run.put('units/torn/metrics.jsonl', `${row(1, '0.5')}not json\n{"step": 2`)
      run.put('units/torn/result.json', '{"loss": 0.25}')
      const before = run.treeHash()
      expect(await bench.plan('parse')).toMatchObject({ change: 'no' })
      await expect(bench.run('parse')).rejects.toThrow('problems')
      expect(run.treeHash()).toBe(before)
      expect(bench.results.parse?.problems).toEqual([
        'cut: result.json is no JSON object: cut, or never finished',
        'nan: loss is no number from step 2 on (2 times)',
        'nan: result.json: accuracy is no number',
        'none: result.json is not there, though the unit is done',
        'torn: metrics.jsonl: line 2 cannot be read',
        'torn: metrics.jsonl: its last line is cut',
        'torn: result.json: accuracy is missing',
        'a, b: the same numbers to the last bit',
      ])
    } finally {
      await bench.close()
    }
  })

  it('finds where a NaN began, and shows the batch of that step by the command that was named', async () => {
    const run = place.prepare('nan')
    const rows = (bad: number) =>
      Array.from(
        { length: 8 },
        (_, i) => `{"step": ${i + 1}, "time": 1, "loss": ${i + 1 >= bad ? 'NaN' : `0.${i + 1}`}}\n`,
      ).join('')
    run.put('units/a/metrics.jsonl', rows(6))
    run.put('units/b/metrics.jsonl', rows(6))
    run.put('units/c/metrics.jsonl', rows(99))
    const bench = await benchRecipe(inspectBatch, place.host, {
      parameters: { command: ['printf', '%s|', 'batch of {step}; rm -rf /', '{unit}'] },
      folder: run.folder,
    })
    try {
      expect(await bench.run('steps')).toEqual({
        summary: '2 of 3 units, first at step 6; the same step each time: the data',
      })
      expect(bench.output()).toContain('before, step 5: loss 0.5')
      expect(await bench.when('batch')).toBe(true)
      await bench.run('batch')
      expect(bench.output()).toContain('batch of 6; rm -rf /|a|')
    } finally {
      await bench.close()
    }
  })

  it('names every file of the code that is not the one here', async () => {
    const run = place.prepare('drift')
    const project = join(place.here, 'project')
    mkdirSync(join(project, 'lib'), { recursive: true })
    for (const [path, there, mine] of [
      ['train.py', 'a = 1\n', 'a = 1\n'],
      ["lib/it's.py", 'edited there\n', 'b = 2\n'],
    ] as const) {
      run.put(`code/${path}`, there)
      writeFileSync(join(project, path), mine)
    }
    run.put('code/hot-fix.py', 'c = 3\n')
    run.put('code/large.bin', Buffer.alloc(1024 * 1024 + 1))
    const bench = await benchRecipe(codeDrift, place.host, {
      parameters: { mostMib: 1 },
      folder: run.folder,
      run: { projectFolder: project },
    })
    const before = run.treeHash()
    try {
      expect(await bench.run('compare')).toEqual({ summary: '2 of 3 files differ; 1 not compared' })
      expect([...((bench.results.compare?.drift ?? []) as string[])].sort()).toEqual([
        "differs: lib/it's.py",
        'only there: hot-fix.py',
      ])
      expect(bench.output()).toContain('not compared: ./large.bin')
      expect(run.treeHash()).toBe(before)
    } finally {
      await bench.close()
    }
  })

  it('kills a unit and sees it go on, and tells one that begins again', async () => {
    const run = place.prepare('drill')
    run.put('code/train.sh', trainer)
    run.put('plan.env', 'run_id=run-1\n')
    run.put('env/GREETING', "it's\nhere")
    run.put('done/000000-good', '0\n7\nsh\ntrain.sh\ngood\n')
    run.put('done/000001-bad', '1\n7\nsh\ntrain.sh\nbad\n')
    run.put('done/000002-short', '2\n7\nfalse\n')
    const drill = (unit: string) =>
      benchRecipe(resumeDrill, place.host, { parameters: { unit, seconds: 20 }, folder: run.folder, run: {} })
    const [good, bad, short] = await Promise.all(['good', 'bad', 'short'].map(drill))
    if (good === undefined || bad === undefined || short === undefined) throw new Error('no bench')
    const before = run.treeHash()
    expect(await good.plan('drill')).toMatchObject({ change: 'yes', targets: [`${run.folder}/drill/good-run-1`] })
    expect(run.treeHash()).toBe(before)
    expect((await good.run('drill'))?.summary).toMatch(/^killed at step \d+, went on with step \d+: \d+ steps lost$/)
    const steps = good.results.drill?.steps as { last: number; next: number } | undefined
    expect(steps?.last).toBeGreaterThanOrEqual(2)
    expect(steps?.next).toBeGreaterThanOrEqual(steps?.last ?? 0)
    expect(await good.probe('drill')).toBe('done')
    await expect(bad.run('drill')).rejects.toThrow('began again at step 1')
    await expect(short.run('drill')).rejects.toThrow('ended by itself with code 1')
    expect(readdirSync(join(run.folder, 'drill'))).toEqual([])
    run.put('drill/good-run-1/left', 'of one that was cut')
    expect(await good.plan('drill')).toMatchObject({ change: 'unknown' })
    expect(await good.undo('drill')).toEqual({ summary: 'the folder of the drill was removed' })
    expect(existsSync(join(run.folder, 'drill/good-run-1'))).toBe(false)
    for (const each of [good, bad, short]) await each.close()
  })

  it('holds the save hook against the time that a notice leaves', async () => {
    const run = place.prepare('notice')
    run.put('plan.env', 'run_id=run-1\n')
    const bench = await benchRecipe(spotDrill, place.host, { parameters: { noticeSeconds: 60 }, folder: run.folder })
    const hurried = await benchRecipe(spotDrill, place.host, { parameters: { noticeSeconds: 1 }, folder: run.folder })
    try {
      expect(await bench.plan('save')).toMatchObject({ change: 'no' })
      await expect(bench.run('save')).rejects.toThrow('no save hook')
      run.put('steps/save-sync', '60\nsh\n-c\nprintf "%s" "$1" >"$KX_RUN_DIR/saved"\nsh\ntwo  words\n')
      const before = run.treeHash()
      expect(await bench.plan('save')).toMatchObject({ change: 'yes' })
      expect(run.treeHash()).toBe(before)
      expect((await bench.run('save'))?.summary).toMatch(/^saved in \d+\.\d s of 60 s$/)
      expect(readFileSync(join(run.folder, 'saved'), 'utf8')).toBe('two  words')
      run.put('steps/save-sync', '60\nsh\n-c\nexit 3\n')
      await expect(bench.run('save')).rejects.toThrow('ended with code 3')
      run.put('steps/save-sync', '60\nsleep\n40\n')
      await expect(hurried.run('save')).rejects.toThrow('was not over after 1 s')
    } finally {
      await hurried.close()
      await bench.close()
    }
  })

  it('goes back to a generation by choice, deletes none, and takes it back', async () => {
    const run = place.prepare('generations')
    run.put('units/a/checkpoints/3.safetensors', safetensors(40), 10)
    run.put('units/a/checkpoints/2.safetensors', safetensors(), 20)
    run.put('units/a/checkpoints/1.safetensors', safetensors(), 30)
    const bench = async (choose: string) =>
      benchRecipe(checkpointGenerations, place.host, { parameters: { unit: 'a', choose }, folder: run.folder })
    const [listed, chosen, broken, missing] = await Promise.all(
      ['', '2.safetensors', '3.safetensors', '9.safetensors'].map(bench),
    )
    if (!listed || !chosen || !broken || !missing) throw new Error('no bench')
    const before = run.treeHash()
    expect(await listed.run('list')).toEqual({
      summary: '3 generations, newest 3.safetensors is broken; the newest whole one is 2.safetensors',
    })
    expect(await listed.when('switch')).toBe('no generation was chosen')
    expect(await missing.plan('switch')).toMatchObject({ change: 'unknown' })
    expect(await broken.plan('switch')).toMatchObject({ change: 'no' })
    expect(await chosen.plan('switch')).toMatchObject({ change: 'yes', lines: ['set aside: 3.safetensors'] })
    expect(run.treeHash()).toBe(before)
    expect(await chosen.run('switch')).toEqual({ summary: '1 checkpoint set aside' })
    expect(readdirSync(join(run.folder, 'units/a/checkpoints')).sort()).toEqual(['1.safetensors', '2.safetensors'])
    expect(readdirSync(join(run.folder, 'units/a/set-aside'))).toEqual(['3.safetensors'])
    expect(await chosen.probe('switch')).toBe('done')
    await chosen.undo('switch')
    expect(readdirSync(join(run.folder, 'units/a/checkpoints'))).toHaveLength(3)
    expect(await chosen.probe('switch')).toBe('not-done')
    await run.startUnit('a', ['sleep', '30'])
    expect(await chosen.plan('switch')).toMatchObject({
      change: 'unknown',
      lines: ['The unit runs: it would save over it.'],
    })
    run.stop()

    const dimensions = (expectedShapes: string[]) =>
      benchRecipe(compareDimensions, place.host, {
        parameters: { unit: 'a', expect: expectedShapes },
        folder: run.folder,
      })
    await expect((await dimensions([])).run('compare')).rejects.toThrow('header is cut')
    run.put('units/a/checkpoints/4.safetensors', safetensors())
    expect(await (await dimensions(['w=2x3'])).run('compare')).toEqual({ summary: '1 shape agree' })
    await expect((await dimensions(['w=2x4', 'v=1'])).run('compare')).rejects.toThrow(
      'w: checkpoint 2x3, configuration 2x4; v: not in the checkpoint, configuration 1',
    )
    for (const each of [listed, chosen, broken, missing]) await each.close()
  })

  it('computes an aggregate again and finds one that was made from other results', async () => {
    const run = place.prepare('aggregate')
    run.put('units/a/result.json', '{"accuracy": 0.5}')
    run.put('units/b/result.json', '{"accuracy": 0.75}')
    run.put('after/mean/aggregate.json', '{"test": {"accuracy": 0.625}}')
    const asked: string[] = []
    const bench = (file: string) =>
      benchRecipe(aggregateVerify, place.host, {
        parameters: { metric: 'accuracy', file, key: 'test.accuracy' },
        folder: run.folder,
        kx: async (id) => {
          asked.push(id)
          return { exitCode: 1, summary: '1 of 2 files is not what it was', data: null }
        },
      })
    const good = await bench('after/mean/aggregate.json')
    expect((await good.run('aggregate'))?.summary).toContain('mean 0.625 over 2 units, as after/mean')
    await expect(good.run('pulled')).rejects.toThrow('is not what it was')
    expect(asked).toEqual(['transfer.verify'])
    run.put('after/mean/aggregate.json', '{"test": {"accuracy": 0.75}}')
    await expect(good.run('aggregate')).rejects.toThrow('says 0.75, the units say 0.625')
    run.put('units/b/result.json', '{"accuracy": 0.')
    await expect(good.run('aggregate')).rejects.toThrow('1 of 2 units have no accuracy: b')
    await good.close()
  })
})
