import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pullFiles } from '../../src/artifact/pull-files.ts'
import { expandRoster } from '../../src/artifact/roster.ts'
import { pushCode } from '../../src/engine/box/push.ts'
import { HostError } from '../../src/host/errors.ts'
import { createOpensshHost } from '../../src/host/openssh/host.ts'
import { pushFile } from '../../src/host/transfer/push-file.ts'
import type { Host } from '../../src/host/types.ts'
import { needsSshd, type Sshd } from '../harness/sshd.ts'
import { hopTo, rig, trusting } from './ssh/support.ts'

const mib = 1024 * 1024
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const signal = AbortSignal.timeout(600_000)

describe.skipIf(needsSshd().skip)('files to a host', () => {
  const server = rig()
  let base: string
  let project: string
  let box: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kx-push-'))
    project = join(base, 'project')
    box = join(base, 'box/run')
    mkdirSync(project)
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  const hostTo = (kind: 'ssh' | 'openssh', sshd: Sshd, port = sshd.port): Host => {
    if (kind === 'ssh') return server.host([hopTo(sshd, port)], trusting(sshd)).host
    const host = createOpensshHost({
      name: 'box',
      target: sshd.address,
      port,
      user: sshd.user,
      configFile: 'none',
      knownHostsFiles: [sshd.knownHostsFile],
      identityFiles: [sshd.clientKey.path],
    })
    server.stopLater(() => host.close())
    return host
  }
  const put = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(join(project, path, '..'), { recursive: true })
    writeFileSync(join(project, path), bytes)
  }
  const code = (...paths: string[]) =>
    paths.map((path) => {
      const bytes = readFileSync(join(project, path))
      return { path, bytes: bytes.byteLength, sha256: sha256(bytes), mode: path.endsWith('.sh') ? 0o755 : 0o644 }
    })
  const push = (host: Host, files: ReturnType<typeof code>, data: readonly { path: string; sha256?: string }[] = []) =>
    pushCode(host, { projectFolder: project, code: files, folder: box, plan: { data: data as never } })
  const there = () =>
    readdirSync(box, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(box.length + 1))
      .sort()

  it.each(['ssh', 'openssh'] as const)('go there and come back over %s, whole and only once', async (kind) => {
    const names = [
      'train.py',
      'run.sh',
      "it's ü.txt",
      'a\\b',
      'empty',
      ...Array.from({ length: 40 }, (_, i) => `lib/m${i}.py`),
    ]
    for (const name of names) put(name, name === 'empty' ? '' : randomBytes(3000))
    put('data/big.bin', randomBytes(6 * mib))
    put('data/small.csv', 'a,b\n')
    const sshd = await server.sshd()
    const host = hostTo(kind, sshd)
    const data = [{ path: 'data' }]
    expect(await push(host, code(...names), data)).toBe(names.length + 2)
    expect(there()).toEqual([...names, 'data/big.bin', 'data/small.csv'].map((name) => `code/${name}`).sort())
    for (const name of names)
      expect(readFileSync(join(box, 'code', name)).equals(readFileSync(join(project, name)))).toBe(true)
    expect(statSync(join(box, 'code/run.sh')).mode & 0o777).toBe(0o700)
    expect(statSync(join(box, 'code/train.py')).mode & 0o777).toBe(0o600)
    expect(await push(host, code(...names), data)).toBe(0)

    // Edited and one file given up before anything was started: replaced, and nothing of the old list stays.
    put('train.py', 'new')
    const fewer = names.filter((name) => name !== 'lib/m0.py')
    expect(await push(host, code(...fewer), data)).toBe(1)
    expect(readFileSync(join(box, 'code/train.py'), 'utf8')).toBe('new')
    expect(existsSync(join(box, 'code/lib/m0.py'))).toBe(false)
    // Started: never changed again.
    writeFileSync(join(box, 'plan.env'), 'token=x\n')
    put('train.py', 'newer')
    await expect(push(host, code(...fewer), data)).rejects.toThrow('never changed')
    expect(readFileSync(join(box, 'code/train.py'), 'utf8')).toBe('new')

    const { files } = await expandRoster(
      host,
      join(box, 'code'),
      [{ glob: '**/*', kind: 'other', minimumCount: 1, minimumBytes: 0 }],
      signal,
    )
    const pulled = await pullFiles(host, join(box, 'code'), files, join(base, 'back'), { signal })
    expect(pulled.map((each) => each.status)).toEqual(Array(files.length).fill('copied'))
    expect(readFileSync(join(base, 'back/data/big.bin')).equals(readFileSync(join(project, 'data/big.bin')))).toBe(true)
  })

  it('goes on when the link goes while it looks what is there, and while the file is named', async () => {
    const bytes = randomBytes(mib)
    put('big.bin', bytes)
    const host = hostTo('ssh', await server.sshd())
    mkdirSync(box, { recursive: true })
    const cuts: string[] = []
    const nothing = { stdout: new Uint8Array(), stderr: new Uint8Array(), stdoutBytes: 0, stderrBytes: 0 }
    const cutOnce = new Proxy(host, {
      get: (of, name: keyof Host) => {
        const value = of[name]
        if (typeof value !== 'function') return value
        return async (...given: readonly unknown[]) => {
          const isNaming = name === 'exec' && JSON.stringify(given[0]).includes('printf named')
          const cut = name === 'stat' ? 'stat' : isNaming ? 'name' : ''
          if (cut === '' || cuts.includes(cut))
            return (value as (...args: readonly unknown[]) => unknown).apply(of, [...given])
          cuts.push(cut)
          if (cut === 'stat') throw new HostError('Cannot tell: the link was lost.', 'ENOLINK')
          return { ...nothing, ending: { kind: 'unknown', reason: 'the link was lost' }, timedOut: false }
        }
      },
    })
    const file = { source: join(project, 'big.bin'), bytes: mib, sha256: sha256(bytes), mode: 0o600 }
    expect(await pushFile(cutOnce, { ...file, target: join(box, 'big.bin') }, { signal })).toBe(0)
    expect(cuts).toEqual(['stat', 'name'])
    expect(sha256(readFileSync(join(box, 'big.bin')))).toBe(file.sha256)
  })

  it('goes on where the link was cut, and not from a beginning that is another one', async () => {
    const bytes = randomBytes(24 * mib)
    put('big.bin', bytes)
    const sshd = await server.sshd()
    const proxy = await server.proxy(sshd.port)
    const host = hostTo('ssh', sshd, proxy.port)
    const file = {
      source: join(project, 'big.bin'),
      bytes: bytes.byteLength,
      sha256: sha256(bytes),
      target: join(box, 'big.bin'),
      mode: 0o600,
    }
    mkdirSync(box, { recursive: true })
    const cuts = [6 * mib, 14 * mib]
    let moved = 0
    await pushFile(host, file, {
      signal,
      onBytes: (more) => {
        moved += more
        if (moved < (cuts[0] ?? Number.POSITIVE_INFINITY)) return
        cuts.shift()
        proxy.cut()
      },
    })
    expect(cuts).toEqual([])
    expect(sha256(readFileSync(file.target))).toBe(file.sha256)
    expect(there()).toEqual(['big.bin'])
    // The link may also go while kx looks at what is there.
    rmSync(file.target)
    writeFileSync(`${file.target}.part`, bytes.subarray(0, 4 * mib))
    const stat = host.stat.bind(host)
    let looks = 0
    host.stat = (path) => {
      const answer = stat(path)
      if (looks++ === 0) proxy.cut()
      return answer
    }
    await pushFile(host, file, { signal, onBytes: () => {} })
    host.stat = stat
    expect(looks).toBeGreaterThan(1)
    expect(sha256(readFileSync(file.target))).toBe(file.sha256)
    // Sent twice is at most what was under way at a cut: the windows of the channel and of the sockets.
    expect(moved).toBeLessThan(bytes.byteLength + 16 * mib)

    rmSync(file.target)
    writeFileSync(`${file.target}.part`, bytes.subarray(0, 20 * mib))
    let rest = 0
    const counted = (more: number) => {
      rest += more
    }
    expect(await pushFile(host, file, { signal, onBytes: counted })).toBe(20 * mib)
    expect(rest).toBe(4 * mib)
    rmSync(file.target)
    const bad = Buffer.from(bytes.subarray(0, 20 * mib))
    bad[7] = (bad[7] as number) ^ 4
    writeFileSync(`${file.target}.part`, bad)
    expect(await pushFile(host, file, { signal })).toBe(0)
    expect(sha256(readFileSync(file.target))).toBe(file.sha256)
  })

  it('names nothing that is not what its hash says', async () => {
    put('data.bin', randomBytes(mib))
    const host = hostTo('ssh', await server.sshd())
    await expect(push(host, [], [{ path: 'data.bin', sha256: '0'.repeat(64) }])).rejects.toThrow('SHA-256')
    expect(existsSync(join(box, 'code/data.bin'))).toBe(false)
    // It grows between the look and the push.
    const bytes = readFileSync(join(project, 'data.bin'))
    appendFileSync(join(project, 'data.bin'), 'more')
    const file = {
      source: join(project, 'data.bin'),
      bytes: bytes.byteLength,
      sha256: sha256(bytes),
      target: join(box, 'data.bin'),
      mode: 0o600,
    }
    await expect(pushFile(host, file, { signal })).rejects.toThrow('not all of it arrived')
    expect(existsSync(file.target)).toBe(false)
  })
})
