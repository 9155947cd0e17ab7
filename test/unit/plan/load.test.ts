import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/host/local.ts'
import { codeDigest } from '../../../src/plan/code-list.ts'
import { openHashCache } from '../../../src/plan/hash-cache.ts'
import { type LoadResult, loadPlan } from '../../../src/plan/load.ts'
import { sha256Hex } from '../../../src/spec/digest.ts'
import { samplePlan } from '../spec/sample.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kx-plan-'))
  await put('kx.yaml', samplePlan)
  await put('train.mjs', 'console.log(process.env.KX_SEED)\n')
  await put('data/set.csv', 'a,b\n1,2\n3,4\n5,6\n7,8\n')
})

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

const host = createLocalHost()
const withGit = { exec: host.exec, cacheFile: null }
const without = { exec: null, cacheFile: null }

async function load(io: Parameters<typeof loadPlan>[2] = without): Promise<Extract<LoadResult, { ok: true }>> {
  const result = await loadPlan(folder, 'kx.yaml', io)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result
}
const paths = (result: Extract<LoadResult, { ok: true }>) => result.loaded.code.map((f) => f.path)

describe('the code list', () => {
  it('leaves out the plan, READMEs, checklists, outputs and folders that are nobody’s code', async () => {
    for (const path of [
      'README.md',
      'lib/readme.txt',
      '.kx/runs/x/journal.jsonl',
      'node_modules/a/index.js',
      'units/split-00-01/result.json',
      '.kxrc',
      'launch.checklist.md',
      'recipes/mine.mjs',
      'recipes/mine.test.mjs',
      'recipes/page.md',
    ])
      await put(path, 'x')
    await put('todo.md', '# To do\n\n- [ ] think\n')
    await put('notes.md', '# Notes\n- a plain list\n')
    await put('lib/a.mjs', '')
    // Only what kx looks for as a recipe; a project may have code in a folder of that name.
    for (const path of ['recipes/train.py', 'recipes/deep/part.mjs', 'lib/recipes/a.mjs']) await put(path, '')
    const { loaded, code } = await load()
    expect(loaded.code.map((f) => f.path)).toEqual([
      'data/set.csv',
      'lib/a.mjs',
      'lib/recipes/a.mjs',
      'notes.md',
      'recipes/deep/part.mjs',
      'recipes/train.py',
      'train.mjs',
    ])
    expect(code.source).toBe('walk')
  })

  it('changes its digest with a byte, a name or the executable bit, and with nothing else', async () => {
    const before = (await load()).loaded.digests.code
    await put('todo.md', '- [x] think\n')
    await put('README.md', 'new words')
    await put('recipes/mine.mjs', 'export const recipe = 1\n')
    await utimes(join(folder, 'train.mjs'), 1, 1)
    await chmod(join(folder, 'train.mjs'), 0o600)
    expect((await load()).loaded.digests.code).toBe(before)
    await chmod(join(folder, 'train.mjs'), 0o755)
    const executable = (await load()).loaded.digests.code
    expect(executable).not.toBe(before)
    await put('train.mjs', 'console.log(process.env.KX_SEEE)\n')
    expect((await load()).loaded.digests.code).not.toBe(executable)
  })

  it('does not depend on the order of files', async () => {
    const { loaded } = await load()
    expect(codeDigest([...loaded.code].reverse())).toBe(loaded.digests.code)
  })

  it('honours .gitignore when git is there, and sees files that are not added yet', async () => {
    execFileSync('git', ['init', '-q'], { cwd: folder })
    await put('.gitignore', 'secret-notes.txt\n')
    await put('secret-notes.txt', 'x')
    await put('new.mjs', '')
    const result = await load(withGit)
    expect(result.code.source).toBe('git')
    expect(paths(result)).toEqual(['.gitignore', 'data/set.csv', 'new.mjs', 'train.mjs'])
    expect(paths(await load(without))).toContain('secret-notes.txt')
  })

  it('works in a subfolder of a repository and skips what was deleted', async () => {
    execFileSync('git', ['init', '-q'], { cwd: folder })
    await put('gone.mjs', '')
    execFileSync('git', ['add', '.'], { cwd: folder })
    await rm(join(folder, 'gone.mjs'))
    expect(paths(await load(withGit))).toEqual(['data/set.csv', 'train.mjs'])
  })

  it('refuses symlinks with a reason', async () => {
    await symlink('/etc/hostname', join(folder, 'link.txt'))
    for (const io of [withGit, without]) {
      const { code } = await load(io)
      expect(code.refused).toEqual([{ path: 'link.txt', reason: expect.stringContaining('symbolic link') }])
      expect(code.files.map((f) => f.path)).not.toContain('link.txt')
    }
  })

  it('takes code that lies where recipes do when a root names the place', async () => {
    await put('kx.yaml', `${samplePlan}code: { roots: [train.mjs, recipes] }\n`)
    await put('recipes/run.mjs', '')
    expect(paths(await load())).toEqual(['recipes/run.mjs', 'train.mjs'])
  })

  it('keeps to the roots and leaves out what the plan excludes', async () => {
    await put('kx.yaml', `${samplePlan}code: { roots: [src, train.mjs], exclude: ['src/**/*.tmp', src/old] }\n`)
    for (const path of ['src/a.mjs', 'src/x/b.tmp', 'src/old/c.mjs', 'other.mjs']) await put(path, '')
    expect(paths(await load())).toEqual(['src/a.mjs', 'train.mjs'])
  })
})

describe('digests', () => {
  it('tell plan, code, config and data apart', async () => {
    await put('kx.yaml', `${samplePlan}configFiles: [c.json]\n`)
    const first = (await load()).loaded.digests
    await put('kx.yaml', `# a comment\n${samplePlan}configFiles: [c.json]\n`)
    expect((await load()).loaded.digests).toEqual(first)
    await put('kx.yaml', `${samplePlan}configFiles: [c.json]\nseed: 7\n`)
    const second = (await load()).loaded.digests
    expect(second).toEqual({ ...first, plan: second.plan })
    expect(second.plan).not.toBe(first.plan)
    await put('c.json', '{}')
    const third = (await load()).loaded.digests
    expect(third.config).not.toBe(second.config)
    // Same size, other bytes.
    await put('data/set.csv', 'a,b\n1,2\n3,4\n5,6\n7,9\n')
    const fourth = (await load()).loaded.digests
    expect(fourth.data).not.toBe(third.data)
    await rm(join(folder, 'data/set.csv'))
    const gone = await load()
    expect(gone.loaded.digests.data).not.toBe(fourth.data)
    expect(gone.data[0]).toMatchObject({ kind: 'missing', bytes: null })
  })
  it('tell what is wrong with a plan that is not there or not readable as one', async () => {
    expect(await loadPlan(folder, 'none.yaml', without)).toMatchObject({
      ok: false,
      problems: [{ file: 'none.yaml', message: 'no such file' }],
    })
    expect(await loadPlan(folder, 'data', without)).toMatchObject({ ok: false })
    await put('bad.yaml', 'version: 1\nname: [\n')
    expect(await loadPlan(folder, 'bad.yaml', without)).toMatchObject({ ok: false, problems: [{ file: 'bad.yaml' }] })
  })
})

describe('the hash cache', () => {
  it('reads an old file once, and again when it changes', async () => {
    const cacheFile = join(folder, 'cache/hashes.json')
    const path = join(folder, 'train.mjs')
    await utimes(path, 1000, 1000)
    // The change time cannot be set back: the cache looks at the modification time for "just written".
    const cache = await openHashCache(cacheFile)
    const hash = await cache.sha256(path)
    expect(hash).toBe(sha256Hex(await readFile(path)))
    expect(await cache.known(path)).toBe(hash)
    await cache.save()
    const again = await openHashCache(cacheFile)
    expect(await again.known(path)).toBe(hash)
    await writeFile(path, 'other')
    expect(await again.known(path)).toBeNull()
    expect(await again.sha256(path)).toBe(sha256Hex('other'))
    // Just written: not trusted, because the clock of the file system may not tell the next change.
    expect(await again.known(path)).toBeNull()
  })
  it('counts a damaged cache as empty', async () => {
    const cacheFile = join(folder, 'hashes.json')
    await writeFile(cacheFile, '{"entries":[["x"],7,["y",{"key":"1","sha256":"zz"}]')
    expect(await (await openHashCache(cacheFile)).known(join(folder, 'train.mjs'))).toBeNull()
  })
})
