import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as codeDrift } from '../../../recipes/code-drift.ts'
import { recipe as collectEvidence } from '../../../recipes/collect-evidence.ts'
import { recipe as distributedDebug } from '../../../recipes/distributed-debug.ts'
import { recipe as emergencyStop } from '../../../recipes/emergency-stop.ts'
import { recipe as resumeDrill } from '../../../recipes/resume-drill.ts'
import { recipe as resync } from '../../../recipes/resync.ts'
import { recipe as spotDrill } from '../../../recipes/spot-drill.ts'
import { recipe as whyGone } from '../../../recipes/why-gone.ts'
import { recipe as whySilent } from '../../../recipes/why-silent.ts'
import { busyboxTools, type PreparedRun, prepareRun } from '../../harness/prepared-run.ts'
import { benchRecipe, type RecipeBench } from '../../harness/recipe.ts'
import { hopTo, tellingHost, trusting } from '../../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../../harness/sshd.ts'

const hasBusybox = (() => {
  const found = mkdtempSync(join(tmpdir(), 'kx-busybox-'))
  const tools = busyboxTools(found)
  rmSync(found, { recursive: true, force: true })
  if (tools === null && process.env.KX_REQUIRE_TOOLS === '1') throw new Error('busybox is not installed')
  return tools !== null
})()

describe.skipIf(needsSshd().skip || !hasBusybox)('recipes where busybox is all there is', () => {
  let sshd: Sshd
  let host: ReturnType<typeof tellingHost>['host']
  let here: string
  let run: PreparedRun
  beforeAll(async () => {
    sshd = await startSshd({ loginShell: ['/bin/busybox', 'sh'] })
    host = tellingHost([hopTo(sshd)], trusting(sshd), {}).host
    here = mkdtempSync(join(tmpdir(), 'kx-recipes-'))
    run = prepareRun(sshd.home, 'small', busyboxTools(sshd.home) ?? undefined)
    run.put('plan.env', 'run_id=run-1\n')
  })
  afterAll(async () => {
    run.stop()
    await host?.close()
    await sshd?.stop()
    rmSync(here, { recursive: true, force: true })
  })
  const using = async <T>(bench: Promise<RecipeBench>, body: (bench: RecipeBench) => Promise<T>): Promise<T> => {
    const made = await bench
    try {
      return await body(made)
    } finally {
      await made.close()
    }
  }
  const tools = () => ({ folder: run.folder, env: run.env })

  it('finds causes, silence and evidence', async () => {
    run.put('units/a/exit', 'code=137\nstate=failed\n')
    run.put('units/a/log', 'epoch 3\nKilled\n')
    run.put('units/a/rank0.log', 'x\n', 900)
    run.put('units/a/rank1.log', 'x\n', 10)
    run.put('../group/memory.events', 'oom_kill 2\n')
    const cgroup = join(run.folder, '../group')
    await using(benchRecipe(whyGone, host, { parameters: { unit: 'a', cgroup }, ...tools() }), async (bench) =>
      expect(await bench.run('look')).toEqual({ summary: 'likely memory' }),
    )
    await using(
      benchRecipe(collectEvidence, host, { parameters: { into: here, cgroup, lines: 20 }, ...tools() }),
      async (bench) => {
        await bench.run('bundle')
        const kept = bench.results.bundle?.bundle as { path: string } | undefined
        const text = readFileSync(kept?.path ?? '', 'utf8')
        for (const wanted of ['Killed', 'oom_kill 2', '== processes ==', '== disks ==']) expect(text).toContain(wanted)
      },
    )
    await using(benchRecipe(distributedDebug, host, { parameters: { unit: 'a' }, ...tools() }), async (bench) =>
      expect(await bench.run('silent')).toEqual({ summary: 'rank 0 fell silent first, of 2' }),
    )
    await run.startUnit('hung', ['sleep', '60'])
    run.put('units/hung/log', 'epoch 1\n', 900)
    await using(benchRecipe(whySilent, host, { parameters: { unit: 'hung', seconds: 1 }, ...tools() }), async (bench) =>
      expect((await bench.run('look'))?.summary).toContain('hung'),
    )
    await using(benchRecipe(emergencyStop, host, { parameters: { graceSeconds: 1 }, ...tools() }), async (bench) => {
      expect(await bench.probe('rest')).toBe('not-done')
      await bench.run('rest')
      expect(await bench.probe('rest')).toBe('done')
    })
  })

  it('holds drills, hashes code and lists files', async () => {
    run.put(
      'code/train.sh',
      `trap 'exit 143' TERM
n=0; [ -f "$KX_CHECKPOINT_DIR/step" ] && read -r n <"$KX_CHECKPOINT_DIR/step"
while n=$((n + 1)); do echo "{\\"step\\": $n, \\"time\\": 1}" >>"$KX_UNIT_DIR/metrics.jsonl"; echo "$n" >"$KX_CHECKPOINT_DIR/step"; sleep 0.1; done\n`,
    )
    run.put('done/000000-good', '0\n7\nsh\ntrain.sh\n')
    run.put('steps/save-sync', '60\nsh\n-c\n: >"$KX_RUN_DIR/saved"\n')
    run.put('units/a/result.json', '{}')
    await using(
      benchRecipe(resumeDrill, host, { parameters: { unit: 'good', seconds: 20 }, run: {}, ...tools() }),
      async (bench) =>
        expect((await bench.run('drill'))?.summary).toMatch(/^killed at step \d+, went on with step \d+/),
    )
    await using(benchRecipe(spotDrill, host, tools()), async (bench) =>
      expect((await bench.run('save'))?.summary).toContain('saved in'),
    )
    await using(benchRecipe(codeDrift, host, { run: { projectFolder: here }, ...tools() }), async (bench) =>
      expect(await bench.run('compare')).toEqual({ summary: '1 of 1 file differ' }),
    )
    const plan = { artifacts: [{ glob: 'units/*/result.json' }] }
    await using(benchRecipe(resync, host, { run: { projectFolder: here, plan }, ...tools() }), async (bench) =>
      expect(await bench.plan('pull')).toMatchObject({ change: 'yes', targets: ['2 units/a/result.json'] }),
    )
  })
})
