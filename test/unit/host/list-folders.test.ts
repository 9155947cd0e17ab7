import { describe, expect, it } from 'vitest'
import { parseFolders } from '../../../src/host/list-folders.ts'

const said = (...parts: string[]) => Buffer.from(parts.map((part) => `${part}\0`).join(''))
const file = (name: string) => `f 3 1700000000.5000000000 7 ${name}`

describe('the answer of a look at many folders', () => {
  it('gives each folder its entries, sorted, empty ones too', () => {
    const found = parseFolders(
      ['/box/a', '/box/b', '/box/c'],
      said('folder', file('z'), file('folder'), file('new\nline'), 'folder', 'folder', file('c'), 'end'),
    )
    expect([...(found ?? [])].map(([folder, entries]) => [folder, entries.map((each) => each.path)])).toEqual([
      ['/box/a', ['/box/a/folder', '/box/a/new\nline', '/box/a/z']],
      ['/box/b', []],
      ['/box/c', ['/box/c/c']],
    ])
    expect(found?.get('/box/c')?.[0]).toMatchObject({ kind: 'file', bytes: 3, mtimeMs: 1_700_000_000_500, inode: 7 })
  })

  it.each([
    ['no end', said('folder', 'folder')],
    ['a cut end', Buffer.from('folder\0folder\0end')],
    ['fewer folders', said('folder', file('a'), 'end')],
    ['more folders', said('folder', 'folder', 'folder', 'end')],
    ['an entry before any folder', said(file('a'), 'folder', 'folder', 'end')],
    ['a name that leads elsewhere', said('folder', file('../x'), 'folder', 'end')],
    ['a name that is a path', said('folder', file('b/x'), 'folder', 'end')],
    ['noise of a shell', said('hello', 'folder', 'folder', 'end')],
    ['nothing', Buffer.alloc(0)],
  ])('tells nothing where it has %s', (_what, answer) => {
    expect(parseFolders(['/box/a', '/box/b'], answer)).toBeNull()
  })
})
