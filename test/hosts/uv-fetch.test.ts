import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { fetchUv } from '../../src/environment/scripts.ts'
import { uvRequirement, uvVersion, uvWheels } from '../../src/environment/uv-release.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-uv-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('uv comes without pip by its hash, whole, or not at all', async () => {
  // A wheel is a zip; this one holds a script in the place of the program.
  const wheel = join(folder, 'w.whl')
  const zip = `import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z: z.writestr('uv-0.data/scripts/uv', '#!/bin/sh\\necho "uv 9.9.9"\\n')`
  expect(spawnSync('python3', ['-c', zip, wheel]).status).toBe(0)
  const bytes = readFileSync(wheel)
  const hash = createHash('sha256').update(bytes).digest('hex')
  const server = createServer((_request, response) => response.end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const target = join(folder, 'uv-9/bin/uv')
  const fetched = async (wanted: string) => {
    const child = spawn('python3', ['-c', fetchUv, wanted, `http://127.0.0.1:${port}/w.whl`, target])
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, said }
  }
  const wrong = await fetched('0'.repeat(64))
  expect([wrong.code, wrong.said]).toEqual([1, expect.stringContaining(`the hash is ${hash} and not 000`)])
  expect(existsSync(target)).toBe(false)
  expect(await fetched(hash)).toEqual({ code: 0, said: '' })
  expect(spawnSync(target, ['--version'], { encoding: 'utf8' }).stdout).toBe('uv 9.9.9\n')
  expect(readdirSync(join(folder, 'uv-9/bin'))).toEqual(['uv'])
  server.close()
})

it('the pinned uv is one version, with a hash for each machine', () => {
  for (const { path, sha256 } of Object.values(uvWheels)) {
    expect(path).toContain(`/uv-${uvVersion}-py3-none-`)
    expect(uvRequirement).toContain(`--hash=sha256:${sha256}`)
  }
})
