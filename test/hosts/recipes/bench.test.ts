import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRecipe } from '../../../src/recipe/contract.ts'
import { benchRecipe } from '../../harness/recipe.ts'
import { hopTo, tellingHost, trusting } from '../../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../../harness/sshd.ts'

/** Removes files of one ending from a folder, and can put them back: small, and every part of the contract is in it. */
const recipe = defineRecipe({
  id: 'sweep',
  title: 'Sweep',
  runbook: { when: 'Never.', touches: 'Files.', back: 'Undo.' },
  parameters: z.object({ folder: z.string().describe('where'), ending: z.string().default('.tmp') }),
  cells: [
    {
      name: 'sweep',
      title: 'Move them aside',
      risk: 'change',
      timeoutSeconds: 20,
      plan: async ({ $, parameters: { folder, ending } }) => {
        const found = await $({ quiet: true })`find ${folder} -name ${`*${ending}`} -type f | sort`
        const targets = found.stdout.split('\n').filter(Boolean)
        return { change: targets.length > 0 ? 'yes' : 'no', lines: targets, foundBy: 'probe', targets }
      },
      run: async ({ $, targets, record, say }) => {
        await record('moved', targets)
        for (const path of targets) await $`mv -v -- ${path} ${`${path}.aside`}`
        say(`${targets.length} moved`)
        return { summary: `${targets.length} moved` }
      },
      probe: async ({ results, host }) => {
        const moved = (results.sweep?.moved ?? []) as string[]
        for (const path of moved) if ((await host.stat(path)) !== null) return 'not-done'
        return moved.length > 0 ? 'done' : 'unknown'
      },
      undo: async ({ $, results }) => {
        for (const path of (results.sweep?.moved ?? []) as string[]) await $`mv -- ${`${path}.aside`} ${path}`
        return undefined
      },
    },
  ],
})

describe.skipIf(needsSshd().skip)('the bench of recipes', () => {
  let sshd: Sshd
  let host: ReturnType<typeof tellingHost>['host']
  beforeAll(async () => {
    sshd = await startSshd()
    host = tellingHost([hopTo(sshd)], trusting(sshd), {}).host
  })
  afterAll(async () => {
    await host?.close()
    await sshd?.stop()
  })

  it('runs each part of a cell at a real host', async () => {
    const folder = `${sshd.home}/it's here`
    await host.write(`${folder}/a.tmp`, 'a')
    await host.write(`${folder}/b.txt`, 'b')
    const bench = await benchRecipe(recipe, host, { parameters: { folder } })
    try {
      expect(await bench.probe('sweep')).toBe('unknown')
      expect(await bench.plan('sweep')).toMatchObject({ change: 'yes', targets: [`${folder}/a.tmp`] })
      expect(bench.output()).toBe('')
      expect(await bench.run('sweep')).toEqual({ summary: '1 moved' })
      expect(bench.output()).toContain('renamed')
      expect(bench.output()).toContain('kx: 1 moved')
      expect(await bench.probe('sweep')).toBe('done')
      expect((await host.list(folder))?.map((each) => each.path).sort()).toEqual([
        `${folder}/a.tmp.aside`,
        `${folder}/b.txt`,
      ])
      await bench.undo('sweep')
      expect(await bench.probe('sweep')).toBe('not-done')
      await expect(benchRecipe(recipe, host, { parameters: { folder: 3 } })).rejects.toThrow(/string/)
    } finally {
      await bench.close()
    }
  })
})
