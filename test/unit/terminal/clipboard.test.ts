import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyText, OSC52_CAP_BYTES } from '../../../src/terminal/clipboard.ts'

let folder = ''
let sent: string[] = []
const send = (bytes: string) => void sent.push(bytes)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-clipboard-'))
  sent = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A `tmux` on the PATH that records what it was given and ends with the code. */
function fakeTmux(exitCode: number): Record<string, string> {
  const path = join(folder, 'tmux')
  writeFileSync(path, `#!/bin/sh\nprintf '%s ' "$@" > ${folder}/args\ncat > ${folder}/stdin\nexit ${exitCode}\n`)
  chmodSync(path, 0o755)
  return { PATH: `${folder}:${process.env.PATH ?? ''}`, TMUX: '/tmp/socket,1,0', TERM: 'screen-256color' }
}

describe('copy', () => {
  it('goes by OSC 52 with the bytes of the text', async () => {
    const result = await copyText('héllo\n漢', { env: { TERM: 'xterm' }, send, folder })
    expect(result).toMatchObject({ via: 'osc52', bytes: 10, path: null })
    const payload = /^\u001b\]52;c;([A-Za-z0-9+/=]*)\u0007$/.exec(sent.join(''))?.[1]
    expect(Buffer.from(payload ?? '', 'base64').toString()).toBe('héllo\n漢')
    expect(result.message).toContain('10 bytes')
  })

  it('takes exactly the cap and writes a private file beyond it', async () => {
    const env = { TERM: 'xterm' }
    expect((await copyText('x'.repeat(OSC52_CAP_BYTES), { env, send, folder })).via).toBe('osc52')
    sent = []
    const text = 'x'.repeat(OSC52_CAP_BYTES + 1)
    const result = await copyText(text, { env, send, folder })
    expect(result).toMatchObject({ via: 'file', bytes: OSC52_CAP_BYTES + 1 })
    expect(sent).toEqual([])
    expect(readFileSync(result.path ?? '', 'utf8')).toBe(text)
    expect(statSync(result.path ?? '').mode & 0o777).toBe(0o600)
    expect(result.message).toContain(result.path)
    const again = await copyText(text, { env, send, folder })
    expect(again.path).not.toBe(result.path)
  })

  it('loads the tmux buffer inside tmux, with the text on standard input', async () => {
    const result = await copyText("a 'quoted' $(text)\n", { env: fakeTmux(0), send, folder })
    expect(result).toMatchObject({ via: 'tmux', path: null })
    expect(readFileSync(join(folder, 'args'), 'utf8').trim()).toBe('load-buffer -w -')
    expect(readFileSync(join(folder, 'stdin'), 'utf8')).toBe("a 'quoted' $(text)\n")
    expect(sent).toEqual([])
  })

  it.each([
    ['osc52', 'tmux-passthrough', 1],
    ['tmux', 'tmux', 0],
    ['file', 'file', 0],
  ] as const)('inside tmux, told %s, goes by %s', async (way, via, pieces) => {
    expect((await copyText('abc', { env: fakeTmux(0), send, folder, way })).via).toBe(via)
    expect(sent.length).toBe(pieces)
  })

  it('writes a file, and says why, where the one way that it was told is not to be had', async () => {
    const result = await copyText('abc', { env: { TERM: 'xterm' }, send, folder, way: 'tmux' })
    expect(result).toMatchObject({ via: 'file', message: expect.stringContaining('clipboard: tmux') })
    expect(sent).toEqual([])
  })

  it('passes through a tmux that cannot load it', async () => {
    const result = await copyText('abc', { env: fakeTmux(1), send, folder })
    expect(result.via).toBe('tmux-passthrough')
    expect(sent.join('')).toBe('\u001bPtmux;\u001b\u001b]52;c;YWJj\u0007\u001b\\')
  })

  it('writes a file where no terminal takes it', async () => {
    for (const env of [{ TERM: 'linux' }, { TERM: 'dumb' }, { TERM: 'screen', STY: '1.pts-0' }]) {
      expect((await copyText('abc', { env, send, folder })).via).toBe('file')
    }
    expect(sent).toEqual([])
  })
})
