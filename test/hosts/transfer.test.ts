import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PullOptions } from '../../src/artifact/pull.ts'
import { pullFiles } from '../../src/artifact/pull-files.ts'
import { checkSpace } from '../../src/artifact/room.ts'
import { expandRoster } from '../../src/artifact/roster.ts'
import { listFolders } from '../../src/host/list-folders.ts'
import { createOpensshHost } from '../../src/host/openssh/host.ts'
import type { Host } from '../../src/host/types.ts'
import { needsSshd, type Sshd, type SshdOptions } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { hopTo, rig, trusting } from './ssh/support.ts'

const mib = 1024 * 1024
const signal = AbortSignal.timeout(600_000)

describe.skipIf(needsSshd().skip)('files over a link', () => {
  const server = rig()
  let base: string
  let box: string
  let here: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kx-files-'))
    box = join(base, 'box')
    here = join(base, 'here')
    mkdirSync(box)
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  const put = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(join(box, path, '..'), { recursive: true })
    writeFileSync(join(box, path), bytes)
  }
  const link = async (options: SshdOptions = {}) => {
    const sshd = await server.sshd(options)
    const proxy = await server.proxy(sshd.port)
    const { host } = server.host([hopTo(sshd, proxy.port)], trusting(sshd))
    return { sshd, proxy, host }
  }
  const byOpenssh = (sshd: Sshd, port: number): Host => {
    const known = join(base, 'known_hosts')
    writeFileSync(known, readFileSync(sshd.knownHostsFile, 'utf8').replaceAll(`]:${sshd.port} `, `]:${port} `))
    const host = createOpensshHost({
      ...{ name: 'box', target: sshd.address, port, user: sshd.user, configFile: 'none' },
      ...{ knownHostsFiles: [known], identityFiles: [sshd.clientKey.path] },
    })
    server.stopLater(() => host.close())
    return host
  }
  const rosterOf = async (host: Host) =>
    (await expandRoster(host, box, [{ glob: '**/*', kind: 'other', minimumCount: 0, minimumBytes: 0 }], signal)).files
  const pull = async (host: Host, more: Partial<PullOptions> = {}) =>
    pullFiles(host, box, await rosterOf(host), here, { signal, ...more })
  const expectSame = (...paths: string[]) => {
    for (const path of paths) expect(readFileSync(join(here, path)).equals(readFileSync(join(box, path)))).toBe(true)
  }
  const left = () => readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => /\.part$/.test(name))

  it('brings many small ones and a large one, proved at both ends, and finds them the next time', async () => {
    for (let i = 0; i < 300; i += 1) put(`units/u${i % 7}/it's ü ${i}.json`, randomBytes(i * 7))
    put('units/u0/model.bin', randomBytes(9 * mib + 77))
    const { host, proxy } = await link()
    const first = await pull(host)
    expect(first.map((each) => each.status)).toEqual(Array(301).fill('copied'))
    for (const { path, sha256Remote, sha256Local } of first) {
      const found = createHash('sha256')
        .update(readFileSync(join(here, path)))
        .digest('hex')
      expect([sha256Remote, sha256Local]).toEqual([found, found])
    }
    expectSame(...first.map((each) => each.path))
    expect(left()).toEqual([])
    expect(statSync(join(here, 'units/u0/model.bin')).mode & 0o777).toBe(0o600)
    const before = proxy.passedBytes
    const second = await pull(host)
    expect(second.every((each) => each.status === 'copied' && each.wasThere)).toBe(true)
    // Names, sizes and hashes; no bytes of files.
    expect(proxy.passedBytes - before).toBeLessThan(500_000)
  })

  it('sees what lies in many folders by a few looks, the same as folder by folder', async () => {
    for (let i = 0; i < 40; i += 1) put(`units/u${i}/deep er/it's ü\n${i % 3}`, `${i}`)
    mkdirSync(join(box, 'units/empty'))
    mkdirSync(join(box, 'units/-rf'))
    symlinkSync('/etc', join(box, 'units/link'))
    const { host } = await link()
    const folders = readdirSync(join(box, 'units')).map((name) => `${box}/units/${name}`)
    const found = await listFolders(host, folders, signal)
    expect([...found.keys()].sort()).toEqual([...folders].sort())
    for (const folder of folders) expect(found.get(folder)).toEqual(await host.list(folder))
    // One that is not there spoils the answer, not the truth: each is then asked for by itself.
    expect(await listFolders(host, [...folders, `${box}/gone`], signal)).toEqual(new Map())
    let asked = 0
    const counting =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        asked += 1
        return call(...args)
      }
    const watched: Host = Object.create(host, {
      exec: { value: counting(host.exec.bind(host)) },
      list: { value: counting(host.list.bind(host)) },
    })
    for (let i = 0; i < 40; i += 1) put(`units/u${i}/result.json`, '{}')
    const glob = { glob: 'units/*/**/*.json', kind: 'other' as const, minimumCount: 40, minimumBytes: 1 }
    const roster = await expandRoster(watched, box, [glob], signal)
    expect(roster.files.map((each) => each.path)).toHaveLength(40)
    expect(roster.problems.map((each) => each.kind)).toEqual(['unsafe-name', 'symlink'])
    expect(asked).toBeLessThan(8)
  })

  it.each(['ssh', 'openssh'] as const)('goes on by itself over %s when the link is cut', async (kind) => {
    put('model.bin', randomBytes(24 * mib))
    for (let i = 0; i < 200; i += 1) put(`units/p${i}`, randomBytes(20_000))
    const { sshd, proxy, host: bySsh2 } = await link()
    const host = kind === 'ssh' ? bySsh2 : byOpenssh(sshd, proxy.port)
    const cuts = [2 * mib, 9 * mib, 17 * mib]
    let moved = 0
    const pulled = await pull(host, {
      onBytes: (bytes) => {
        moved += bytes
        if (moved < (cuts[0] ?? Number.POSITIVE_INFINITY)) return
        cuts.shift()
        proxy.cut()
      },
    })
    expect(cuts).toEqual([])
    expect(pulled.filter((each) => each.status !== 'copied')).toEqual([])
    expectSame(...pulled.map((each) => each.path))
    expect(left()).toEqual([])
  })

  it('goes on where a kx that was ended left it, and asks for no more than what is missing', async () => {
    const bytes = randomBytes(32 * mib)
    put('model.bin', bytes)
    const { host, proxy } = await link()
    const stop = new AbortController()
    let moved = 0
    await expect(
      pull(host, {
        signal: stop.signal,
        onBytes: (more) => {
          moved += more
          if (moved >= 12 * mib) stop.abort()
        },
      }),
    ).rejects.toThrow()
    const part = statSync(join(here, 'model.bin.part')).size
    expect(part).toBeGreaterThanOrEqual(12 * mib)
    // What was on its way when it ended still comes: it is none of what is asked for now.
    let before = -1
    await waitUntil(
      async () => {
        const now = proxy.passedBytes
        const isQuiet = now === before
        before = now
        await new Promise((resolve) => setTimeout(resolve, 100))
        return isQuiet
      },
      { what: 'the link to be quiet' },
    )
    const [done] = await pull(host)
    expect(done).toMatchObject({ status: 'copied', resumedBytes: part })
    expectSame('model.bin')
    expect(proxy.passedBytes - before - (bytes.byteLength - part)).toBeLessThan(0.01 * bytes.byteLength)
  })

  it('asks of a file that grew only for what is new, and for all of it where its beginning is another', async () => {
    const bytes = randomBytes(12 * mib)
    put('train.log', bytes.subarray(0, 8 * mib))
    const { host, proxy } = await link()
    await pull(host)
    chmodSync(join(here, 'train.log'), 0o400)
    put('train.log', bytes)
    const before = proxy.passedBytes
    expect(await pull(host)).toMatchObject([{ status: 'copied', resumedBytes: 8 * mib, wasThere: false }])
    expectSame('train.log')
    expect(proxy.passedBytes - before).toBeLessThan(5 * mib)
    put('train.log', Buffer.concat([randomBytes(mib), bytes]))
    expect(await pull(host)).toMatchObject([{ status: 'copied', resumedBytes: 0, wasThere: false }])
    expectSame('train.log')
    expect(left()).toEqual([])
  })

  it('does not believe a part in which one bit is another', async () => {
    const bytes = randomBytes(3 * mib)
    put('model.bin', bytes)
    mkdirSync(here)
    const bad = Buffer.from(bytes.subarray(0, 2 * mib))
    bad[mib] = (bad[mib] as number) ^ 1
    writeFileSync(join(here, 'model.bin.part'), bad)
    const { host } = await link()
    expect(await pull(host)).toMatchObject([{ status: 'copied', resumedBytes: 0 }])
    expectSame('model.bin')
  })

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'more')],
    ['shrinks', (path: string) => truncateSync(path, 3 * mib)],
    [
      'is replaced by one of the same size',
      (path: string) => {
        writeFileSync(`${path}.new`, randomBytes(4 * mib))
        renameSync(`${path}.new`, path)
      },
    ],
  ])('calls a source unstable that %s each time, and takes it when it is at rest', async (_how, change) => {
    put('model.bin', randomBytes(4 * mib))
    const { host } = await link()
    let seen = 0
    const [moving] = await pull(host, {
      onBytes: () => {
        seen += 1
        if (statSync(join(box, 'model.bin')).size < 4 * mib) put('model.bin', randomBytes(4 * mib))
        change(join(box, 'model.bin'))
      },
    })
    expect(seen).toBeGreaterThan(2)
    expect(moving).toMatchObject({ status: 'unstable', attempts: 3 })
    expect(existsSync(join(here, 'model.bin'))).toBe(false)
    expect(await pull(host)).toMatchObject([{ status: 'copied' }])
    expectSame('model.bin')
  })

  it('takes nothing that a lying host puts into the stream', async () => {
    const bin = join(base, 'bin')
    mkdirSync(bin)
    mkdirSync(join(base, 'evil'))
    writeFileSync(join(base, 'evil/secret'), 'x'.repeat(100))
    symlinkSync('/etc', join(base, 'evil/link'))
    // Names that lead out, links, files nobody asked for, and one asked for with bytes of its own.
    const list = ['../evil/secret', `${base}/evil/secret`, 'link', 'link/passwd']
    writeFileSync(
      join(bin, 'tar'),
      `#!/bin/sh
[ "$1" = --version ] && { echo 'tar (GNU tar)'; exit 0; }
cat >/dev/null
echo asked >>'${base}/asked'
cd '${base}/evil'
/bin/tar -P --format=gnu -c -f - ${list.map((name) => `'${name}'`).join(' ')}
cd '${base}/lie' && /bin/tar --format=gnu -c -f - ./units/a
`,
    )
    chmodSync(join(bin, 'tar'), 0o755)
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(`units/${name}`, `${name}`.repeat(100))
    mkdirSync(join(base, 'lie/units'), { recursive: true })
    writeFileSync(join(base, 'lie/units/a'), 'L'.repeat(100))
    const { host } = await link({ env: { PATH: `${bin}:${process.env.PATH}` } })
    const pulled = await pull(host)
    expect(readFileSync(join(base, 'asked'), 'utf8')).toBe('asked\n')
    expect(pulled.map((each) => [each.path, each.status])).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((name) => [`units/${name}`, 'copied']),
    )
    expectSame(...pulled.map((each) => each.path))
    expect(readdirSync(here, { recursive: true }).sort()).toEqual(['units', ...pulled.map((each) => each.path)])
  })

  it.each([
    ['ssh', 'a wide window', {}],
    ['ssh', 'the only session', { maxSessions: 1 }],
    ['openssh', 'several streams', {}],
    ['openssh', 'the only session', { maxSessions: 1 }],
  ] as const)('reads on a far link over %s by %s', async (kind, _way, options) => {
    put('model.bin', randomBytes(21 * mib + 5))
    const { host: bySsh2, proxy, sshd } = await link(options)
    proxy.delay(20)
    const host = kind === 'ssh' ? bySsh2 : byOpenssh(sshd, proxy.port)
    let moved = 0
    let isCut = kind === 'openssh'
    const onBytes = (bytes: number) => {
      moved += bytes
      if (isCut || moved < 8 * mib) return
      isCut = true
      proxy.cut()
    }
    expect(await pull(host, { onBytes })).toMatchObject([{ status: 'copied', attempts: 1 }])
    expect(isCut).toBe(true)
    // What came before the cut is not asked for again.
    expect(moved).toBe(21 * mib + 5)
    expectSame('model.bin')
  })

  it('refuses with the number when there is no room, and leaves no half file when the room goes meanwhile (T4)', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('a file system of its own needs root')
    mkdirSync(here)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10256k', 'tmpfs', here])
    try {
      put('model.bin', randomBytes(12 * mib))
      const { host } = await link()
      await expect(checkSpace(here, await rosterOf(host))).rejects.toThrow(/76(\.0)? MiB.*10(\.0)? MiB.*free/)
      const [full] = await pull(host)
      expect(full).toMatchObject({ status: 'failed' })
      expect(full?.reason).toMatch(/no space/i)
      expect(existsSync(join(here, 'model.bin'))).toBe(false)
      // Small enough to fit by its number of bytes, and for the last block of it there is no room.
      rmSync(join(here, 'model.bin.part'), { force: true })
      for (const over of [32_768, 20_000]) {
        put('model.bin', randomBytes(10 * mib + over))
        const [tight] = await pull(host)
        expect([tight?.status, existsSync(join(here, 'model.bin'))]).toEqual(['failed', false])
      }
    } finally {
      execFileSync('umount', [here])
    }
  })
})
