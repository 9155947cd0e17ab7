import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recipe as collectEvidence } from '../../../recipes/collect-evidence.ts'
import { recipe as emergencyStop } from '../../../recipes/emergency-stop.ts'
import { recipe as reattach } from '../../../recipes/reattach.ts'
import { recipe as retryIdentical } from '../../../recipes/retry-identical.ts'
import { recipe as rotateHostKey } from '../../../recipes/rotate-host-key.ts'
import { recipe as whyGone } from '../../../recipes/why-gone.ts'
import { recipe as whySilent } from '../../../recipes/why-silent.ts'
import type { KxAnswer } from '../../../src/recipe/contract.ts'
import { bootId, configDigestOf } from '../../harness/prepared-run.ts'
import { benchRecipe } from '../../harness/recipe.ts'
import { recipePlace } from '../../harness/recipe-place.ts'
import { makeKey, needsSshd, startSshd } from '../../harness/sshd.ts'

const ok = (summary: string): KxAnswer => ({ exitCode: 0, summary, data: null })
const secretValue = 'hunter2-of-the-tracker'

describe.skipIf(needsSshd().skip)('recipes of an engineer on call', () => {
  const place = recipePlace()

  it('keeps one bounded file of evidence, without secrets and control characters', async () => {
    const run = place.prepare('evidence')
    const values = join(place.sshd.home, 'memory')
    run.put('secrets.path', `${values}\n`)
    run.put('../../memory/values', `TRACKER=${secretValue}\n`)
    run.put('units/a/exit', 'unit=a\ncode=1\nstate=failed\nattempt=1\n')
    const filler = Array.from({ length: 3000 }, (_, i) => `step ${i}\n`).join('')
    run.put(
      'units/a/log',
      `${filler}key ${secretValue} twice ${secretValue}\n\x1b[2J\x1b]0;title\x07AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789ABCD\nTraceback (most recent call last):\n  File "train.py", line 3\nKeyError: 'width'\n`,
    )
    run.put('units/b/exit', 'unit=b\ncode=0\nstate=done\nattempt=1\n')
    run.put('units/b/log', 'nobody asked for this\n')
    run.stub('dmesg', 'echo "[1.0] Killed process 4242 (python)"')
    const bench = await benchRecipe(collectEvidence, place.host, {
      parameters: { into: join(place.here, 'bundles'), lines: 50, kib: 64 },
      folder: run.folder,
      env: run.env,
    })
    const before = run.treeHash()
    try {
      expect(await bench.plan('bundle')).toMatchObject({ change: 'no', foundBy: 'declared' })
      expect(await bench.probe('bundle')).toBe('not-done')
      await bench.run('bundle')
      const kept = bench.results.bundle?.bundle as { path: string; bytes: number } | undefined
      const [path, bytes] = [kept?.path ?? '', kept?.bytes]
      const text = readFileSync(path, 'utf8')
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(bytes).toBeLessThan(70 * 1024)
      for (const wanted of [
        "KeyError: 'width'",
        'Killed process 4242',
        'last traceback of unit a',
        'key *** twice ***',
      ])
        expect(text).toContain(wanted)
      expect(text).not.toContain(secretValue)
      expect(text).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789ABCD')
      expect(text).not.toContain('nobody asked')
      expect(text).not.toContain('step 100\n')
      expect(/[\x00-\x08\x0b-\x1f\x7f]/.test(text)).toBe(false)
      expect(await bench.probe('bundle')).toBe('done')
      expect(run.treeHash()).toBe(before)
    } finally {
      await bench.close()
    }
  })

  it('tells why a unit is gone: kernel, reboot, request, or not known', async () => {
    const run = place.prepare('gone')
    const group = join(run.folder, '..', 'cgroup')
    run.put('../cgroup/memory.events', 'low 0\noom 2\noom_kill 2\n')
    run.put('units/a/exit', 'unit=a\ncode=137\nstate=failed\n')
    run.put('units/a/log', 'epoch 3\nKilled\n')
    run.put('units/b/exit', 'unit=b\ncode=143\nstate=failed\n')
    run.put('units/b/log', 'epoch 3\n')
    run.put('runner.pid', `4242 1 ${bootId()} token\n`)
    run.stub('dmesg', 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1')
    const bench = (unit: string, cgroup = group) =>
      benchRecipe(whyGone, place.host, { parameters: { unit, cgroup }, folder: run.folder, env: run.env })
    const causeOf = async (unit: string, cgroup?: string) => {
      const each = await bench(unit, cgroup)
      try {
        await each.run('look')
        return { ...(each.results.look?.cause as object), output: each.output() }
      } finally {
        await each.close()
      }
    }
    const before = run.treeHash()
    expect(await causeOf('a')).toMatchObject({ cause: 'memory', isCertain: false })
    expect((await causeOf('a')).output).toContain('kernel log cannot be read')
    // Nothing tells of the other one: no control group, no kernel log, no history.
    expect(await causeOf('b', '/nowhere')).toMatchObject({ cause: 'unknown', isCertain: false })
    expect(run.treeHash()).toBe(before)
    run.stub('dmesg', 'echo "[9.1] Memory cgroup out of memory: Killed process 4242 (sh) total-vm:1kB"')
    expect(await causeOf('a')).toMatchObject({ cause: 'memory', isCertain: true })
    run.put('stop', 'stopped by hand\n')
    expect(await causeOf('b', '/nowhere')).toMatchObject({ cause: 'stopped', isCertain: true })
    run.put('runner.pid', '4242 1 0d9f6c1e-0000-4000-8000-000000000000 token\n')
    expect(await causeOf('b')).toMatchObject({ cause: 'reboot', isCertain: true })
    await expect(causeOf('no-such')).rejects.toThrow('There is no unit no-such')
    await expect(causeOf('../gone')).rejects.toThrow('no id of a unit')
  })

  it('tells buffered, data-bound, computing and hung apart', async () => {
    const run = place.prepare('silent')
    run.stub('nvidia-smi', 'echo 0')
    const silenceOf = async (unit: string) => {
      const bench = await benchRecipe(whySilent, place.host, {
        parameters: { unit, seconds: 1 },
        folder: run.folder,
        env: run.env,
      })
      try {
        await bench.run('look')
        return (bench.results.look?.silence as { state: string } | undefined)?.state
      } finally {
        await bench.close()
      }
    }
    await run.startUnit('buffered', ['sleep', '60'])
    run.put('units/buffered/log', 'epoch 1\n', 900)
    run.put('units/buffered/checkpoints/1.ckpt', 'x', 10)
    await run.startUnit('hung', ['sleep', '60'])
    run.put('units/hung/log', 'epoch 1\n', 900)
    run.put('units/hung/checkpoints/1.ckpt', 'x', 1000)
    await run.startUnit('busy', ['sh', '-c', 'while :; do :; done'])
    run.put('units/busy/log', 'epoch 1\n', 900)
    await run.startUnit('bound', [
      'sh',
      '-c',
      'n=0; while sleep 0.1; do n=$((n+1)); echo "{\\"step\\": $n, \\"time\\": 1}" >>"$KX_UNIT_DIR/metrics.jsonl"; done',
    ])
    run.put('units/bound/log', 'epoch 1\n', 900)
    run.put('units/dead/pid', `4194304 1 ${bootId()} 0 1 1\n`)
    run.put('units/waiting/log', '')
    const units = ['buffered', 'hung', 'busy', 'bound', 'dead', 'waiting']
    const states = await Promise.all(units.map(silenceOf))
    expect(Object.fromEntries(units.map((unit, i) => [unit, states[i]]))).toEqual({
      buffered: 'buffered',
      hung: 'hung',
      busy: 'computes',
      bound: 'data-bound',
      dead: 'gone',
      waiting: 'unknown',
    })
    run.stop()
  })

  it('retries the same configuration and refuses another one', async () => {
    const run = place.prepare('retry')
    run.put('code/config.json', '{"width": 4}')
    run.put('failed/000001-b', '1\n1\ntrue\n')
    run.put('units/b/attempts', '1\n')
    run.put('runner.pid', `4194304 1 ${bootId()} token\n`)
    const asked: unknown[] = []
    const bench = async (tries: number, digest = configDigestOf([['config.json', '{"width": 4}']])) =>
      benchRecipe(retryIdentical, place.host, {
        parameters: { tries },
        folder: run.folder,
        run: { boxFolder: run.folder, plan: { configFiles: ['config.json'] }, configDigest: digest },
        kx: async (id, args) => {
          asked.push([id, args])
          return ok('started')
        },
      })
    const before = run.treeHash()
    const good = await bench(3)
    expect(await good.plan('again')).toMatchObject({ change: 'yes', lines: ['b: attempt 2'], targets: ['b'] })
    expect(run.treeHash()).toBe(before)
    expect(asked).toEqual([])
    await good.run('same')
    // Edited between the look and the launch.
    run.put('code/config.json', '{"width": 8}')
    await expect(good.run('again')).rejects.toThrow('changed since the first look')
    const other = await bench(3)
    await expect(other.run('same')).rejects.toThrow('not the one of the run')
    run.put('code/config.json', '{"width": 4}')
    const tired = await bench(1)
    await tired.run('same')
    await expect(tired.run('again')).rejects.toThrow('tried as often as allowed')
    expect(asked).toEqual([])
    expect(await good.run('again')).toEqual({ summary: 'started' })
    expect(asked).toEqual([['launch.start', { host: 'box' }]])
    await run.startUnit('c', ['sleep', '30'])
    run.put(
      'runner.pid',
      `${readFileSync(join(run.folder, 'units/c/pid'), 'utf8').split(' ').slice(0, 3).join(' ')} token\n`,
    )
    expect(await good.plan('again')).toMatchObject({ change: 'unknown' })
    await expect(good.run('again')).rejects.toThrow('The runner still works')
    expect(await good.probe('again')).toBe('done')
    for (const each of [good, other, tired]) await each.close()
    run.stop()
  })

  it('takes a run up again after a reboot, and leaves one alone that works', async () => {
    const run = place.prepare('reboot')
    const gone = '4194304 1 0d9f6c1e-0000-4000-8000-000000000000'
    run.put('runner.pid', `${gone} token\n`)
    run.put('guard/now', `${gone} token 1 3600 10 working - - 0\n`)
    run.put('units/a/pid', `${gone} 0 1 1\n`)
    const asked: string[] = []
    const bench = await benchRecipe(reattach, place.host, {
      folder: run.folder,
      run: { boxFolder: run.folder },
      kx: async (id) => {
        asked.push(id)
        return ok(id)
      },
    })
    const before = run.treeHash()
    try {
      expect(await bench.plan('guard')).toMatchObject({ change: 'yes', targets: ['guard'] })
      expect(await bench.plan('launch')).toMatchObject({ change: 'yes', targets: [`boot ${bootId()}`] })
      expect(await bench.run('look')).toEqual({ summary: 'runner gone, started anew since' })
      expect(await bench.when('guard')).toBe(true)
      await bench.run('guard')
      await bench.run('launch')
      await bench.run('patrol')
      expect(asked).toEqual(['lease.arm', 'launch.start', 'patrol.tick'])
      expect(run.treeHash()).toBe(before)
      // A unit that outlived its runner is not started a second time.
      await run.startUnit('a', ['sleep', '30'])
      expect(await bench.plan('launch')).toMatchObject({ change: 'no' })
      await bench.run('launch')
      expect(asked).toHaveLength(3)
      run.put('exit.json', '{"reason":"completed"}')
      expect(await bench.when('guard')).toBe('the run has ended')
    } finally {
      run.stop()
      await bench.close()
    }
    const elsewhere = await benchRecipe(reattach, place.host, { folder: `${run.folder}-not`, run: {} })
    expect(await elsewhere.plan('launch')).toMatchObject({ change: 'unknown' })
    await expect(elsewhere.run('look')).rejects.toThrow('not on box')
    await elsewhere.close()
  })

  it('trusts a changed host key only with the fingerprint that was learnt by another way', async () => {
    const key = makeKey(place.here, 'rotated')
    const changed = await startSshd({ hostKeys: [key] })
    const fingerprintOf = async (path: string) => {
      const { execFileSync } = await import('node:child_process')
      return execFileSync('ssh-keygen', ['-lf', `${path}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? ''
    }
    const right = await fingerprintOf(key.path)
    const old = await fingerprintOf(place.sshd.hostKeys[0]?.path ?? '')
    const asked: unknown[] = []
    const bench = (fingerprint: string, port = changed.port) =>
      benchRecipe(rotateHostKey, place.host, {
        parameters: { target: 'box', address: '127.0.0.1', port, fingerprint },
        kx: async (id, args) => {
          asked.push([id, args])
          return ok('done')
        },
      })
    try {
      const wrong = await bench(old)
      expect(await wrong.plan('trust')).toMatchObject({ change: 'no' })
      await expect(wrong.run('trust')).rejects.toThrow('does not show the key')
      expect(asked).toEqual([])
      const good = await bench(right)
      expect(await good.plan('trust')).toMatchObject({ change: 'yes', targets: [`box ${right}`] })
      expect(asked).toEqual([])
      await good.run('known')
      await good.run('trust')
      await good.run('reconnect')
      expect(asked).toEqual([
        ['host.show', { host: 'box' }],
        ['host.trust', { host: 'box', fingerprint: right }],
        ['host.reconnect', { host: 'box' }],
      ])
      await expect(bench('SHA256:short')).rejects.toThrow(/SHA256/)
      await changed.stop()
      const silent = await bench(right)
      expect(await silent.plan('trust')).toMatchObject({ change: 'unknown' })
      for (const each of [wrong, good, silent]) await each.close()
    } finally {
      await changed.stop()
    }
  })

  it('stops in an emergency with the evidence kept first, and ends what is left by its identity', async () => {
    const run = place.prepare('emergency')
    run.put('units/a/log', 'loss nan\n')
    const child = await run.startUnit('a', ['sh', '-c', 'trap "" TERM; while :; do sleep 0.2; done'])
    const asked: string[] = []
    const bench = await benchRecipe(emergencyStop, place.host, {
      parameters: { into: join(place.here, 'stops'), cgroup: '/nowhere', graceSeconds: 1 },
      folder: run.folder,
      run: { boxFolder: run.folder },
      kx: async (id) => {
        asked.push(id)
        return id === 'patrol.abort' ? { exitCode: 1, summary: 'no runner is there', data: null } : ok('2 files')
      },
    })
    try {
      const plan = await bench.plan('rest')
      expect(plan).toMatchObject({ change: 'yes', foundBy: 'probe' })
      expect(plan.targets?.some((target) => target.startsWith(`${child.pid} `))).toBe(true)
      expect(child.exitCode).toBeNull()
      await bench.run('evidence')
      const kept = bench.results.evidence?.bundle as { path: string } | undefined
      expect(readFileSync(kept?.path ?? '', 'utf8')).toContain('loss nan')
      expect(await bench.run('stop')).toEqual({ summary: 'the runner could not be asked: no runner is there' })
      expect(await bench.probe('rest')).toBe('not-done')
      await bench.run('rest')
      expect(await bench.probe('rest')).toBe('done')
      expect(child.signalCode).toBe('SIGKILL')
      expect(await bench.plan('rest')).toMatchObject({ change: 'no' })
      expect(await bench.run('pull')).toEqual({ summary: '2 files' })
      expect(asked).toEqual(['patrol.abort', 'transfer.pull'])
      expect(readFileSync(join(run.folder, 'units/a/log'), 'utf8')).toBe('loss nan\n')
    } finally {
      run.stop()
      await bench.close()
    }
  })
})
