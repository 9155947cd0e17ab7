import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { closeHosts, keepHostsOpen } from '../../src/session/hosts.ts'

/** A state folder of its own for this test file, and no host that outlives a test. Returns the folder. */
export function ownState(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `kx-${name}-`))
  const before = process.env.XDG_STATE_HOME
  beforeAll(() => {
    process.env.XDG_STATE_HOME = folder
    mkdirSync(join(folder, 'kx'), { mode: 0o700 })
    chmodSync(folder, 0o700)
  })
  afterEach(async () => {
    await closeHosts()
    keepHostsOpen(0)
  })
  afterAll(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}
