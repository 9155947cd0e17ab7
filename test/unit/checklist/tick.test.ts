import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readChecklist, type TickResult, tick } from '../../../src/checklist/tick.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kx-tick-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
async function file(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `list-${files++}.md`)
  await writeFile(path, content)
  return path
}
const done = (result: TickResult) => {
  if (result.kind !== 'done') throw new Error(`expected done, got ${JSON.stringify(result)}`)
  return result
}
const first = <T>(items: readonly T[]): T => {
  const [item] = items
  if (item === undefined) throw new Error('no item')
  return item
}

describe('tick', () => {
  it('changes the one byte, keeps the mode, leaves no temporary file', async () => {
    const path = await file('# T\r\n- [ ] a\r\n- [ ] b')
    await chmod(path, 0o640)
    const list = await readChecklist(path)
    const result = done(await tick(list, first(list.items), true))
    expect(await readFile(path, 'utf8')).toBe('# T\r\n- [x] a\r\n- [ ] b')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(result.note).toBeNull()
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('writes through a symlink and leaves it one', async () => {
    const path = await file('- [ ] a\n')
    const link = `${path}.link.md`
    await symlink(path, link)
    const list = await readChecklist(link)
    done(await tick(list, first(list.items), true))
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await readFile(path, 'utf8')).toBe('- [x] a\n')
  })

  it('says when the box already stands so, and does not write', async () => {
    const path = await file('- [x] a\n')
    const before = (await stat(path)).ino
    const list = await readChecklist(path)
    expect((await tick(list, first(list.items), true)).kind).toBe('unchanged')
    expect((await stat(path)).ino).toBe(before)
  })

  it('finds the item again after an edit made meanwhile', async () => {
    const path = await file('- [ ] a\n- [ ] b <!-- the-id -->\n')
    const list = await readChecklist(path)
    await writeFile(path, 'new first line\n\n- [ ] b reworded <!-- the-id -->\n- [ ] a\n')
    const byText = done(await tick(list, first(list.items), true))
    expect(byText.note).toMatch(/edited meanwhile.*line 4/)
    done(await tick(list, first(list.items.slice(1)), true))
    expect(await readFile(path, 'utf8')).toBe('new first line\n\n- [x] b reworded <!-- the-id -->\n- [x] a\n')
  })

  it('refuses when the item is gone or cannot be told apart, and leaves the file alone', async () => {
    const path = await file('- [ ] a\n- [ ] b <!-- the-id -->\n')
    const list = await readChecklist(path)
    const edited = '- [ ] a\n  - [ ] a\n- [ ] b\n'
    await writeFile(path, edited)
    for (const item of list.items) expect((await tick(list, item, true)).kind).toBe('refused')
    expect(await readFile(path, 'utf8')).toBe(edited)
  })

  it('ticks the right one of two items that read alike when nothing was edited', async () => {
    const path = await file('- [ ] a\n- [ ] a\n')
    const list = await readChecklist(path)
    done(await tick(list, first(list.items.slice(1)), true))
    expect(await readFile(path, 'utf8')).toBe('- [ ] a\n- [x] a\n')
  })

  it('ticking twice gives the original bytes, for any item of any file', async () => {
    const line = fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .tuple(
            fc.constantFrom('', '  ', '    ', '\t', '> '),
            fc.constantFrom('-', '*', '+', '1.', '23)'),
            fc.constantFrom(' ', '  '),
            fc.constantFrom('[ ]', '[x]', '[X]'),
            fc.string({ unit: 'grapheme', maxLength: 12 }),
          )
          .map(([a, b, c, d, e]) => `${a}${b}${c}${d} ${e.replace(/[\r\n]/g, '')}`),
      },
      fc.constantFrom('', '# Heading', '```', '~~~', 'text', '<!-- x -->', '    code', '- plain'),
      fc.string({ unit: 'binary', maxLength: 20 }),
    )
    const content = fc
      .tuple(
        fc.constantFrom('', '\ufeff'),
        fc.array(line, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
      )
      .map(([bom, lines, eol, last]) => Buffer.from(bom + lines.join(eol) + (last ? eol : '')))
    const path = await file('')
    let ticks = 0
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        await writeFile(path, bytes)
        const list = await readChecklist(path)
        for (const item of list.items) {
          const once = done(await tick(list, item, !item.isChecked))
          const changed = await readFile(path)
          expect(changed.length).toBe(bytes.length)
          expect([...changed.keys()].filter((n) => changed[n] !== bytes[n])).toEqual([item.byteOffset])
          done(await tick(once.list, once.item, item.isChecked))
          expect(Buffer.compare(await readFile(path), bytes)).toBe(0)
          ticks++
        }
      }),
      { numRuns: process.env.KX_FULL === '1' ? 2000 : 100 },
    )
    expect(ticks).toBeGreaterThan(50)
  })

  it('loses nothing when several ticks run at once on different items', async () => {
    const path = await file(Array.from({ length: 4 }, (_, n) => `- [ ] item ${n}\n`).join(''))
    const list = await readChecklist(path)
    for (const result of await Promise.all(list.items.map((item) => tick(list, item, true)))) done(result)
    expect((await readChecklist(path)).items.every((i) => i.isChecked)).toBe(true)
  })

  it('refuses a file that is far too large', async () => {
    await expect(readChecklist(await file('x'.repeat(5_000_000)))).rejects.toThrow(/at most/)
  })
})
