import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adoptReady, findChecklists, readyFolder, readyLists } from '../../../src/checklist/ready.ts'
import { readChecklist } from '../../../src/checklist/tick.ts'

const ready = async (name: string) => readChecklist(join(await readyFolder(), `${name}.md`))

describe('ready lists', () => {
  it.each([
    ['scale', 32, 'scale.'],
    ['course', 53, 'mlops.'],
  ])('%s has %i items, none ticked, each with an id', async (name, count, prefix) => {
    const { items } = await ready(name)
    expect(items.length).toBe(count)
    expect(items.filter((i) => i.isChecked)).toEqual([])
    expect(new Set(items.map((i) => i.id)).size).toBe(count)
    for (const item of items) {
      expect(item.id?.startsWith(prefix)).toBe(true)
      expect(item.text).not.toContain('<!--')
      for (const check of item.checks)
        expect(check).toMatch(/^(?:plan|data|audit|smoke|cost|launch|patrol|teardown|report|house)\.[a-z0-9-]+$/)
    }
  })

  it('links the checks of the scale list and names the right module for profiling', async () => {
    expect((await ready('scale')).items.every((i) => i.checks.length > 0)).toBe(true)
    expect((await ready('course')).items.find((i) => i.id === 'mlops.w1-profiling')?.text).toContain('M13')
    expect((await ready('course')).items.filter((i) => /\(M\d+/.test(i.text)).length).toBe(49)
  })

  it('links to a box only checks whose pass says what the box says', async () => {
    const { items } = await ready('course')
    const checksOf = (id: string) => items.find((i) => i.id === `mlops.${id}`)?.checks
    // A digest without git, an image by digest, a registry in a name, a run here: none of them shows these.
    for (const id of ['w1-repo', 'w1-dockerfiles', 'w1-dockerbuild', 'w2-bucket', 'w2-imagebuild', 'w2-cloudtrain'])
      expect([id, checksOf(id)]).toEqual([id, []])
    expect(checksOf('x-upload')).toEqual([])
    expect(checksOf('w1-requirements')).toEqual(['plan.lockfile'])
  })

  it('are copied into the project once and then left alone', async () => {
    const project = await mkdtemp(join(tmpdir(), 'kx-ready-'))
    const path = await adoptReady('scale', project)
    await writeFile(path, '- [x] mine\n')
    expect(await adoptReady('scale', project)).toBe(path)
    expect(await readFile(path, 'utf8')).toBe('- [x] mine\n')
    await mkdir(join(project, 'docs'))
    await writeFile(join(project, 'TODO.md'), '- [ ] a\n')
    expect(await findChecklists(project, ['TODO.md', 'checklists', 'missing.md', 'TODO.md'])).toEqual([
      join(project, 'TODO.md'),
      path,
    ])
    await rm(project, { recursive: true })
    expect(readyLists.length).toBe(2)
  })
})
