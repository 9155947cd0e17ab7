import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { builtEntry } from '../harness/built.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'kx-launcher-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the built program in a clone', () => {
  it('takes the Node that the clone brought, also through a link on the PATH', () => {
    const clone = join(folder, 'a clone')
    const bin = join(folder, 'bin')
    for (const each of [clone, bin]) mkdirSync(each)
    cpSync(dirname(builtEntry()), join(clone, 'dist'), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
    symlinkSync(join(clone, 'dist', 'kx.mjs'), join(bin, 'kx'))
    // The system's own is too old, or not there at all.
    writeFileSync(join(bin, 'node'), '#!/bin/sh\nexit 9\n')
    chmodSync(join(bin, 'node'), 0o755)
    const env = { HOME: folder, PATH: `${bin}:/usr/bin:/bin` }
    expect(execFileSync('kx', ['--version'], { env, encoding: 'utf8' })).toMatch(/^kx \d/)
    expect(execFileSync('sh', ['dist/kx.mjs', '--version'], { env, cwd: clone, encoding: 'utf8' })).toMatch(/^kx \d/)
  })
})
