import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pushCode } from '../../src/engine/box/push.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { planSchema } from '../../src/spec/schema.ts'

let root: string
let host: Host
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kx-push-'))
  mkdirSync(join(root, 'project'))
  host = createLocalHost()
})
afterEach(async () => {
  await host.close()
  rmSync(root, { recursive: true, force: true })
})

const push = (sha256: string) =>
  pushCode(host, {
    projectFolder: join(root, 'project'),
    folder: join(root, 'box'),
    code: [],
    plan: planSchema.parse({
      version: 1,
      name: 'p',
      goal: 'g',
      metrics: [{ name: 'acc', direction: 'higher', primary: true }],
      command: ['true'],
      units: { list: ['a'] },
      environment: { kind: 'system', interpreter: 'sh' },
      resources: { compute: 'cpu' },
      checkpoints: { bytes: 1, count: 1 },
      artifacts: [{ glob: 'x', kind: 'other' }],
      data: [{ path: 'big.bin', sha256 }],
      budget: { usd: 0, hours: 1 },
    }),
  })

describe('data that is too large to copy', () => {
  it('is linked to, and held to its hash all the same', async () => {
    const source = join(root, 'project/big.bin')
    writeFileSync(source, '')
    truncateSync(source, 65 * 1024 * 1024)
    await expect(push('0'.repeat(64))).rejects.toThrow('SHA-256')
    await push(createHash('sha256').update(readFileSync(source)).digest('hex'))
    expect(lstatSync(join(root, 'box/code/big.bin')).isSymbolicLink()).toBe(true)
  })
})
