import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PullOptions } from '../../src/artifact/pull.ts'
import { pullFiles } from '../../src/artifact/pull-files.ts'
import { expandRoster } from '../../src/artifact/roster.ts'
import { makeStaging, stagedFiles } from '../../src/artifact/rsync-staging.ts'
import { createOpensshHost } from '../../src/host/openssh/host.ts'
import type { Host } from '../../src/host/types.ts'
import { needsSshd, type SshdOptions } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { hopTo, rig, trusting } from './ssh/support.ts'

const mib = 1024 * 1024
const signal = AbortSignal.timeout(600_000)
const { skip } = needsSshd()
const realRsync = ['/usr/bin/rsync', '/usr/local/bin/rsync'].find((path) => existsSync(path))
const needed = process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1'
if (realRsync === undefined && needed) throw new Error('rsync is needed here: apt-get install rsync')

describe.skipIf(skip || realRsync === undefined)('rsync over a link of kx', () => {
  const server = rig()
  const path = process.env.PATH
  let base: string
  let box: string
  let here: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kx-rsync-'))
    box = join(base, "box [a-z]* 'of' ü")
    here = join(base, 'here')
    mkdirSync(box)
    mkdirSync(here)
  })
  afterEach(() => {
    process.env.PATH = path
    rmSync(base, { recursive: true, force: true })
  })

  const put = (root: string, name: string, bytes: Uint8Array | string) => {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), bytes)
  }
  const link = async (options: SshdOptions = {}) => {
    const sshd = await server.sshd(options)
    const proxy = await server.proxy(sshd.port)
    const { host } = server.host([hopTo(sshd, proxy.port)], trusting(sshd))
    return { sshd, proxy, host }
  }
  const program = (folder: string, source: string) => {
    mkdirSync(join(base, folder), { recursive: true })
    writeFileSync(join(base, folder, 'rsync'), `#!/bin/sh\n${source}\n`)
    chmodSync(join(base, folder, 'rsync'), 0o755)
    return `${join(base, folder)}:${path}`
  }
  /** A box whose rsync is this script. */
  const boxWith = (source: string) => link({ env: { PATH: program('there', source) } })
  const pull = async (host: Host, more: Partial<PullOptions> = {}) => {
    const glob = { glob: '**/*', kind: 'other' as const, minimumCount: 0, minimumBytes: 0 }
    const { files, problems } = await expandRoster(host, box, [glob], signal)
    expect(problems).toEqual([])
    return pullFiles(host, box, files, here, { signal, ...more })
  }
  const same = (name: string) => readFileSync(join(here, name)).equals(readFileSync(join(box, name)))
  const lying = () =>
    readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => /\.part|kx-rsync/.test(name))
  /** A file of which an older copy is here: `changed` bytes of it, in the middle, are others. */
  const older = (name: string, bytes: number, changed: number) => {
    const now = randomBytes(bytes)
    put(here, name, now)
    randomBytes(changed).copy(now, Math.floor((bytes - changed) / 2))
    put(box, name, now)
  }

  it.each(['ssh', 'openssh'] as const)(
    'brings over %s of a changed file only what changed, and proves it',
    async (kind) => {
      const name = "units/#a ;[b]* it's ü/m odel.bin"
      if (kind === 'ssh') older(name.replaceAll('*', ''), 24 * mib, mib)
      else older('units/model.bin', 24 * mib, mib)
      const { sshd, proxy, host: bySsh2 } = await link()
      let host: Host = bySsh2
      if (kind === 'openssh') {
        const known = join(base, 'known_hosts')
        writeFileSync(
          known,
          readFileSync(sshd.knownHostsFile, 'utf8').replaceAll(`]:${sshd.port} `, `]:${proxy.port} `),
        )
        host = createOpensshHost({
          ...{ name: 'box', target: sshd.address, port: proxy.port, user: sshd.user, configFile: 'none' },
          ...{ knownHostsFiles: [known], identityFiles: [sshd.clientKey.path] },
        })
        server.stopLater(() => host.close())
      }
      const [done] = await pull(host)
      expect(done).toMatchObject({
        status: 'copied',
        attempts: 1,
        way: { by: 'rsync', why: expect.stringMatching(/pieces/) },
      })
      expect(same(done?.path ?? '')).toBe(true)
      expect(statSync(join(here, done?.path ?? '')).mode & 0o777).toBe(0o600)
      expect(proxy.passedBytes).toBeLessThan(3 * mib)
      expect(lying()).toEqual([])
    },
  )

  it('leaves to the stream what is another file, what is small, and what a person does not want', async () => {
    older('other.bin', 17 * mib, 17 * mib)
    older('small.bin', 2 * mib, 4096)
    const { host } = await link()
    expect((await pull(host)).map(({ path, status, way }) => [path, status, way?.why])).toEqual([
      ['other.bin', 'copied', 'only 0 of 16 pieces of the older copy are the same there: rsync would compare in vain'],
      ['small.bin', 'copied', undefined],
    ])
    older('other.bin', 17 * mib, 4096)
    const [forbidden] = await pull(host, { rsync: 'never' })
    expect(forbidden?.way).toEqual({ by: 'stream', why: 'the setting transfer.rsync is never' })
    expect(same('other.bin')).toBe(true)
  })

  it.each([
    ['is not there', 'exit 127', 'rsync there: it is not there'],
    [
      'fails',
      '[ "$1" = --version ] && { echo "rsync  version 3.2.7  protocol version 31"; exit; }; exit 12',
      expect.stringMatching(/^rsync did not manage: rsync ended with code 12/),
    ],
  ])('goes by the stream, with the reason, where the rsync of the box %s', async (_what, source, why) => {
    older('model.bin', 17 * mib, 4096)
    const { host } = await boxWith(source)
    expect(await pull(host)).toMatchObject([{ status: 'copied', way: { by: 'stream', why } }])
    expect(same('model.bin')).toBe(true)
    expect(lying()).toEqual([])
  })

  it('brings many new ones where a person wants it, by names that other programs would misread', async () => {
    const names = ['#a', ';b', '[c]', "d 'e", 'ü é', '~', 'x=y', '{a,b}', '$(id)', '`id`', '%41', '@x!']
    for (const name of names) put(box, `units/${name}/${name}`, randomBytes(5000))
    put(box, 'empty', '')
    put(box, 'model.bin', randomBytes(3 * mib))
    const { host } = await link()
    const done = await pull(host, { rsync: 'always' })
    expect(done).toHaveLength(names.length + 2)
    for (const each of done) {
      expect([each.path, each.status, each.way?.by]).toEqual([each.path, 'copied', 'rsync'])
      expect(same(each.path)).toBe(true)
    }
    expect(lying()).toEqual([])
  })

  it('gives no name to what a lying rsync of the box sends', async () => {
    put(join(base, 'evil'), 'model.bin', 'L'.repeat(100))
    put(box, 'model.bin', 'x'.repeat(100))
    const { host } = await boxWith(`[ "$1" = --version ] || cd '${base}/evil'\nexec ${realRsync} "$@"`)
    const [done] = await pull(host, { rsync: 'always' })
    expect(done).toMatchObject({ status: 'mismatch', localPath: null })
    expect(readdirSync(here)).toEqual([])
  })

  it('takes nothing from a folder in which something lies that nobody asked for', async () => {
    for (const name of ['a', 'b', 'c', 'd']) put(box, name, name.repeat(100))
    const { host } = await link()
    process.env.PATH = program(
      'mine',
      `${realRsync} "$@"\nc=$?\n[ "$1" = --version ] && exit\nfor d; do :; done\necho x >"$d/evil"\nexit $c`,
    )
    const done = await pull(host, { rsync: 'always' })
    expect(done.map((each) => [each.status, each.way?.by, same(each.path)])).toEqual(
      Array(4).fill(['copied', 'stream', true]),
    )
    expect(done[0]?.way?.why).toMatch(/what nobody asked for: evil/)
    expect(readdirSync(here).sort()).toEqual(['a', 'b', 'c', 'd'])

    const folder = join(base, 'staged')
    put(folder, 'u/a', 'a')
    expect(await stagedFiles(folder, new Set(['u/a', 'u/b']))).toEqual(new Map([['u/a', 1]]))
    put(folder, 'u/.a.Ab12Cd', 'a')
    expect((await stagedFiles(folder, new Set(['u/a']), true)).size).toBe(1)
    await expect(stagedFiles(folder, new Set(['u/a']))).rejects.toThrow('u/.a.Ab12Cd')
    rmSync(join(folder, 'u/.a.Ab12Cd'))
    for (const make of [
      () => symlinkSync('/etc/passwd', join(folder, 'u/b')),
      () => linkSync(join(folder, 'u/a'), join(folder, 'u/b')),
      () => mkdirSync(join(folder, 'u/b')),
      () => execFileSync('mkfifo', [join(folder, 'u/b')]),
    ]) {
      make()
      await expect(stagedFiles(folder, new Set(['u/a', 'u/b']))).rejects.toThrow(/nobody asked for/)
      rmSync(join(folder, 'u/b'), { recursive: true })
    }
  })

  it('runs nothing over the link but what it began itself, and opens no way to it', async () => {
    older('model.bin', 17 * mib, 4096)
    const { host } = await link()
    process.env.PATH = program(
      'mine',
      `[ "$1" = --version ] && exec ${realRsync} "$@"
while [ "$1" != -e ]; do shift; done
env >'${base}/env'
find '${here}' -type s >'${base}/sockets'
eval "$2 kx sh -c 'touch ${base}/evil'"`,
    )
    expect(await pull(host)).toMatchObject([
      { status: 'copied', way: { by: 'stream', why: expect.stringMatching(/asked the link for kx sh -c touch/) } },
    ])
    expect(existsSync(join(base, 'evil'))).toBe(false)
    expect(readFileSync(join(base, 'sockets'), 'utf8')).toBe('')
    const names = readFileSync(join(base, 'env'), 'utf8')
      .split('\n')
      .map((line) => line.split('=', 1)[0] ?? '')
    expect(names.filter((name) => !['PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL', '_', ''].includes(name))).toEqual([])
  })

  it('goes on with what came when the link is cut', async () => {
    older('model.bin', 32 * mib, 6 * mib)
    const { proxy, host } = await link()
    let moved = 0
    let cuts = 0
    const [done] = await pull(host, {
      onBytes: (bytes) => {
        moved += bytes
        if (cuts > 0 || moved < 4 * mib) return
        cuts += 1
        proxy.cut()
      },
    })
    expect(cuts).toBe(1)
    expect(done).toMatchObject({ status: 'copied', attempts: 1, way: { by: 'rsync' } })
    expect(same('model.bin')).toBe(true)
    // Not the four that had come once more.
    expect(moved).toBeLessThan(8 * mib)
    expect(lying()).toEqual([])
  })

  it('ends both programs when it is given up, and the next pull sweeps what a killed one left', async () => {
    older('model.bin', 32 * mib, 6 * mib)
    const { host } = await link()
    const stop = new AbortController()
    const giving = pull(host, { signal: stop.signal, onBytes: () => stop.abort() })
    await expect(giving).rejects.toThrow()
    const running = () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => {
          try {
            const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
            return (
              words[0] === 'rsync' &&
              (words.some((word) => word.includes(here)) || statSync(`/proc/${pid}/cwd`).ino === statSync(box).ino)
            )
          } catch {
            return false
          }
        })
    await waitUntil(() => running().length === 0, { what: 'both rsyncs to be gone' })
    expect(lying()).toEqual([])
    put(here, '.kx-rsync-4194999-0123456789ab/in/model.bin', 'half')
    await makeStaging(here)
    expect(readdirSync(here).filter((name) => name.includes('4194999'))).toEqual([])
  })
})
