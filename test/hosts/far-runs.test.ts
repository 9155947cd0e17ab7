import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareCommand } from '../../src/commands/compare.ts'
import type { CommandEnvironment } from '../../src/commands/types.ts'
import { DigestCache } from '../../src/compare/digest-cache.ts'
import { loadRuns } from '../../src/compare/run.ts'
import { createOpensshHost } from '../../src/host/openssh/host.ts'
import type { Host } from '../../src/host/types.ts'
import { Columns } from '../../src/reader/columns.ts'
import { type FarFolder, farFolder } from '../../src/reader/far/folder.ts'
import { hostFiles, parseLook } from '../../src/reader/far/host-files.ts'
import { type Scan, scan } from '../../src/reader/scan.ts'
import { localFolder } from '../../src/reader/source.ts'
import type { RunReader } from '../../src/reader/types.ts'
import { scalarEvent, tfRecord } from '../harness/event-file.ts'
import { ownState } from '../harness/own-state.ts'
import { needsSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { historyRecord, wandbLog } from '../harness/wandb-log.ts'
import { hopTo, rig, trusting } from './ssh/support.ts'

const state = ownState('far-runs')

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `{"step":${from + i},"loss":${1 / (from + i + 1)}}\n`).join('')
const history = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => historyRecord(from + i, { loss: String(1 / (from + i + 1)) }))
const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => tfRecord(scalarEvent('loss', from + i, i)))

const pointsOf = (columns: Columns) => columns.all().map(({ name, steps, values }) => [name, [...steps], [...values]])

describe.skipIf(needsSshd().skip)('runs on a host', () => {
  const server = rig()
  let base: string
  let box: string
  /** Looks are as old as this says: a test moves it on, nobody waits. */
  let nowMs = 0
  beforeEach(() => {
    nowMs = 0
    base = mkdtempSync(join(tmpdir(), 'kx-far-test-'))
    box = join(base, 'box')
    mkdirSync(box)
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  const link = async () => {
    const sshd = await server.sshd()
    const proxy = await server.proxy(sshd.port)
    const { host } = server.host([hopTo(sshd, proxy.port)], trusting(sshd))
    return { sshd, proxy, host }
  }
  const place = async (host: Host, path = box): Promise<FarFolder> => {
    const folder = await farFolder(
      hostFiles(host, 'box', path, () => nowMs),
      () => nowMs,
    )
    if (folder === null) throw new Error('no such place')
    server.stopLater(() => folder.close())
    return folder
  }
  const later = () => {
    nowMs += 1e7
  }
  const readerOf = ({ runs }: Scan, format: string): RunReader => {
    const run = runs.find((each) => each.format === format)
    if (run === undefined) throw new Error(`no ${format} in ${runs.map((each) => each.path).join(', ')}`)
    const reader = run.open()
    server.stopLater(() => reader.close())
    return reader
  }

  it('reads on what W&B, TensorBoard and JSON lines write, and only that goes over the link', async () => {
    const noise = (count: number) => Array.from({ length: count }, (_, i) => historyRecord(i, { loss: String(i) }))
    const wandb = (to: number) => wandbLog([...noise(5_000), ...history(5_000, to)])
    const files = {
      wandb: join(box, 'offline-run-20260101_000000-a/run-a.wandb'),
      tfevents: join(box, 'tb/events.out.tfevents.1.box'),
      jsonl: join(box, 'plain/metrics.jsonl'),
    }
    for (const path of Object.values(files)) mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(files.wandb, wandb(5_001))
    writeFileSync(files.tfevents, Buffer.concat(events(0, 5_000)))
    writeFileSync(files.jsonl, lines(0, 5_000))
    const { host, proxy } = await link()
    const found = await scan(await place(host))
    expect(found.runs.map(({ format, root }) => [format, root])).toEqual([
      ['wandb', `box:${box}`],
      ['jsonl', `box:${box}`],
      ['tfevents', `box:${box}`],
    ])
    const each = Object.keys(files).map((format) => ({
      format,
      reader: readerOf(found, format),
      columns: new Columns(),
    }))
    for (const { reader, columns } of each) await reader.advance(columns)
    const first = proxy.passedBytes
    expect(first).toBeGreaterThan(500_000)
    writeFileSync(files.wandb, wandb(5_050), { flag: 'r+' })
    appendFileSync(files.tfevents, Buffer.concat(events(5_000, 5_050)))
    appendFileSync(files.jsonl, lines(5_000, 5_050).slice(0, -9))
    later()
    for (const { reader, columns } of each) await reader.advance(columns)
    // Fifty points a file and one look at three names: a few thousand bytes, and what the link itself says.
    expect(proxy.passedBytes - first).toBeLessThan(100_000)
    appendFileSync(files.jsonl, lines(5_000, 5_050).slice(-9))
    later()
    const local = await scan(localFolder(box))
    for (const { format, reader, columns } of each) {
      await reader.advance(columns)
      const here = new Columns()
      await readerOf(local, format).advance(here)
      expect(pointsOf(columns)).toEqual(pointsOf(here))
      expect(columns.column('loss')?.values.length).toBe(5_050)
    }
  })

  it('goes on where it was when the link is cut, with every point once', async () => {
    writeFileSync(join(box, 'metrics.jsonl'), lines(0, 25_000))
    const { host, proxy } = await link()
    const reader = readerOf(await scan(await place(host)), 'jsonl')
    const columns = new Columns()
    const reading = reader.advance(columns)
    const before = proxy.passedBytes
    await waitUntil(() => proxy.passedBytes > before + 300_000, { what: 'bytes on the link' })
    proxy.cut()
    await reading
    appendFileSync(join(box, 'metrics.jsonl'), lines(25_000, 25_100))
    proxy.cut()
    later()
    await reader.advance(columns)
    expect([...(columns.column('loss')?.steps ?? [])]).toEqual(Array.from({ length: 25_100 }, (_, i) => i))
  })

  it('says of all runs at once that their host is gone, and goes on when it is back', async () => {
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(join(box, name))
      writeFileSync(join(box, name, 'metrics.jsonl'), lines(0, 5))
    }
    const { host } = await link()
    let asked = 0
    let isGone = false
    const breaking: Host = {
      ...host,
      script: (...args) => {
        asked++
        if (isGone) throw new Error('the host is gone')
        return host.script(...args)
      },
    }
    const readers = (await scan(await place(breaking))).runs.map((run) => ({ run: run.open(), columns: new Columns() }))
    for (const { run, columns } of readers) await run.advance(columns)
    isGone = true
    later()
    asked = 0
    for (const { run, columns } of readers) await expect(run.advance(columns)).rejects.toThrow('the host is gone')
    expect(asked).toBe(1)
    isGone = false
    appendFileSync(join(box, 'c/metrics.jsonl'), lines(5, 7))
    later()
    for (const { run, columns } of readers) await run.advance(columns)
    expect(readers.map(({ columns }) => columns.column('loss')?.steps.length)).toEqual([5, 5, 7])
  })

  it('does not bring small files again at each look that nobody has written to', async () => {
    writeFileSync(join(box, 'metrics.json'), '{"test_acc": 0.5}')
    const { host } = await link()
    let tails = 0
    const counted: Host = { ...host, tail: (...args) => host.tail(...args).finally(() => tails++) }
    const reader = readerOf(await scan(await place(counted)), 'seed')
    const columns = new Columns()
    const read: number[] = []
    for (let look = 0; look < 4; look++) {
      later()
      const before = tails
      await reader.advance(columns)
      read.push(tails - before)
    }
    // Once more at the second look: only then is it known that the first one was not in the middle of a write.
    expect(read.map((count) => count > 0)).toEqual([true, true, false, false])
    writeFileSync(join(box, 'metrics.json'), '{"test_acc": 0.7}')
    later()
    await reader.advance(columns)
    expect([...columns.summaries.values()].map(({ value }) => value)).toContain(0.7)
  })

  it('reads a file anew that was replaced, or cut and written again with the same inode', async () => {
    const path = join(box, 'metrics.jsonl')
    writeFileSync(path, lines(0, 50))
    const { host } = await link()
    const reader = readerOf(await scan(await place(host)), 'jsonl')
    const columns = new Columns()
    await reader.advance(columns)
    writeFileSync(`${path}.new`, lines(7, 90))
    renameSync(`${path}.new`, path)
    later()
    await reader.advance(columns)
    expect(columns.column('loss')?.steps).toEqual(Float64Array.from({ length: 83 }, (_, i) => 7 + i))
    truncateSync(path, 0)
    writeFileSync(path, `${lines(1000, 1200)}`, { flag: 'r+' })
    later()
    await reader.advance(columns)
    expect(columns.column('loss')?.steps).toEqual(Float64Array.from({ length: 200 }, (_, i) => 1000 + i))
  })

  it('looks at a big folder once, whatever its names, and at its files in one call', async () => {
    for (let i = 0; i < 120; i++) {
      mkdirSync(join(box, `it's ü\n ${i}/deep er`), { recursive: true })
      writeFileSync(join(box, `it's ü\n ${i}/deep er/metrics.jsonl`), lines(0, 2))
    }
    mkdirSync(join(box, 'node_modules/a'), { recursive: true })
    writeFileSync(join(box, 'node_modules/a/metrics.jsonl'), lines(0, 2))
    symlinkSync('/', join(box, 'everything'))
    const { host } = await link()
    let calls = 0
    const deadlines: number[] = []
    const counted: Host = {
      ...host,
      script: (source, args, given) => {
        calls++
        deadlines.push(given?.timeoutSeconds ?? 0)
        return host.script(source, args, given)
      },
    }
    const { runs } = await scan(await place(counted))
    expect([runs.length, calls]).toEqual([120, 1])
    later()
    const known = await place(counted)
    later()
    await known.list('')
    // A link that is gone is told sooner by looks of which is known how long they take.
    expect(deadlines).toEqual([60, 60, 15])
    const old = new Date(Date.now() - 3_600_000)
    for (const { path } of runs) utimesSync(join(box, path), old, old)
    const cache = new DigestCache(join(base, 'cache'))
    later()
    const load = async () => {
      const { runs } = await scan(await place(counted))
      const failures: string[] = []
      const loaded = await loadRuns(runs.slice(0, 20), (_, why) => failures.push(why), undefined, {}, undefined, cache)
      return { loaded, failures }
    }
    expect((await load()).failures).toEqual([])
    let tails = 0
    counted.tail = (...args) => {
      tails++
      return host.tail(...args)
    }
    calls = 0
    expect((await load()).loaded.length).toBe(20)
    expect([calls, tails]).toEqual([1, 0])
    // A file more beside those of the root would be seen as well.
    const folder = await place(counted)
    const mark = await folder.stat?.(`box:${box}`)
    writeFileSync(join(box, 'another'), '')
    later()
    expect((await folder.stat?.(`box:${box}`))?.mtimeMs).not.toBe(mark?.mtimeMs)
    calls = 0
    writeFileSync(join(box, (runs[3] as (typeof runs)[number]).path), lines(0, 3))
    expect((await load()).loaded[3]?.digest.metrics.loss?.curves['']?.last?.step).toBe(2)
    expect(tails).toBe(1)
  })

  it('copies a database with what its writer has in the log beside it, and leaves nothing behind', async () => {
    const path = join(box, 'mlflow.db')
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
      CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
      CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER, lifecycle_stage TEXT, experiment_id INTEGER);
      CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT); CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
      CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, step INTEGER, is_nan INTEGER, run_uuid TEXT);
      INSERT INTO runs VALUES ('r1', 'one', 'RUNNING', 1000, NULL, 'active', 0);`)
    const add = (step: number) =>
      database.prepare("INSERT INTO metrics VALUES ('loss', ?, 1000, ?, 0, 'r1')").run(1 / step, step)
    for (let step = 1; step <= 10; step++) add(step)
    const before = readFileSync(path)
    const names = readdirSync(box)
    const { host } = await link()
    const folder = await place(host)
    const reader = readerOf(await scan(folder), 'mlflow-sqlite')
    const columns = new Columns()
    const [report] = await reader.advance(columns)
    expect(columns.column('loss')?.steps.length).toBe(10)
    expect(report?.notes.join()).toMatch(/copied here to be read .* and removed afterwards/)
    add(11)
    later()
    await reader.advance(columns)
    expect([...(columns.column('loss')?.steps ?? [])]).toEqual(Array.from({ length: 11 }, (_, i) => i + 1))
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    add(12)
    later()
    await reader.advance(columns)
    expect(columns.column('loss')?.steps.at(-1)).toBe(12)
    expect(columns.column('loss')?.steps.length).toBe(12)
    const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`kx-far-${process.pid}-`))
    expect(copies().length).toBe(1)
    await folder.close()
    expect(copies()).toEqual([])
    expect([readdirSync(box), before.length > 0]).toEqual([names, true])
    database.close()
    // A transaction that was cut in the middle: nobody rolls it back in a database of somebody else.
    writeFileSync(`${path}-journal`, 'x')
    later()
    const { runs, notes } = await scan(await place(host))
    expect([runs.length, notes.join()]).toEqual([
      0,
      expect.stringMatching(/mlflow\.db could not be looked into: .*written/),
    ])
    expect(existsSync(`${path}-journal`)).toBe(true)
  })

  it('is reached by the system ssh too, at a path of the home folder, and for one file alone', async () => {
    const sshd = await server.sshd()
    const known = join(base, 'known_hosts')
    writeFileSync(known, readFileSync(sshd.knownHostsFile))
    const host = createOpensshHost({
      ...{ name: 'box', target: sshd.address, port: sshd.port, user: sshd.user, configFile: 'none' },
      ...{ knownHostsFiles: [known], identityFiles: [sshd.clientKey.path] },
    })
    server.stopLater(() => host.close())
    mkdirSync(join(sshd.home, 'runs/b'), { recursive: true })
    writeFileSync(join(sshd.home, 'runs/metrics.jsonl'), lines(0, 5))
    writeFileSync(join(sshd.home, 'runs/b/metrics.jsonl'), lines(0, 5))
    expect((await scan(await place(host, 'runs'))).runs.map(({ path }) => path)).toEqual([
      'b/metrics.jsonl',
      'metrics.jsonl',
    ])
    const one = await place(host, '~/runs/metrics.jsonl')
    expect([one.only, (await scan(one)).runs.map(({ path }) => path)]).toEqual(['metrics.jsonl', ['metrics.jsonl']])
    expect(await farFolder(hostFiles(host, 'box', '~/nothing'))).toBe(null)
  })

  it('is named on the command line, and nothing is read of a host whose key nobody knows', async () => {
    writeFileSync(join(box, 'metrics.jsonl'), lines(0, 5))
    const sshd = await server.sshd()
    const compare = (knownHosts: string, word: string) => {
      const file = join(mkdtempSync(join(state, 'config-')), 'config')
      writeFileSync(
        file,
        `Host box\n  HostName ${sshd.address}\n  Port ${sshd.port}\n  IdentityFile ${sshd.clientKey.path}\n` +
          `  IdentitiesOnly yes\n  UserKnownHostsFile ${knownHosts}\n  GlobalKnownHostsFile /dev/null\n`,
      )
      const settings = { 'ssh.configFile': file }
      const env = {
        projectFolder: base,
        signal: new AbortController().signal,
        settings,
      } as unknown as CommandEnvironment
      const lists = { ignore: [], lower: [], higher: [], failOn: [] }
      return compareCommand(env, { ...lists, runs: [word], aggregator: 'last', md: false, csv: false })
    }
    const refused = await compare(join(base, 'nobody'), `box:${box}`)
    expect([refused.exitCode, refused.summary]).toEqual([4, expect.stringMatching(/ssh-keygen|fingerprint|SHA256/)])
    const read = await compare(sshd.knownHostsFile, `${sshd.user}@box:${box}`)
    expect([read.exitCode, read.data]).toMatchObject([0, { runs: [{ path: 'metrics.jsonl', format: 'jsonl' }] }])
    expect((await compare(sshd.knownHostsFile, `box:${box}/none`)).summary).toMatch(/no run at box:.*none/)
  })

  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync)
  // Where tools are required it fails for want of it.
  it.skipIf(busybox === undefined && process.env.KX_REQUIRE_TOOLS !== '1')(
    'lists folder by folder where find cannot print',
    async () => {
      const bin = join(base, 'bin')
      mkdirSync(bin)
      symlinkSync(busybox as string, join(bin, 'find'))
      const sshd = await server.sshd({ env: { PATH: `${bin}:/usr/bin:/bin` } })
      const { host } = server.host([hopTo(sshd)], trusting(sshd))
      mkdirSync(join(box, 'a/b'), { recursive: true })
      writeFileSync(join(box, 'a/b/metrics.jsonl'), lines(0, 3))
      expect((await host.exec(['find', '--help'])).stderr.toString()).not.toMatch(/printf/)
      const reader = readerOf(await scan(await place(host)), 'jsonl')
      const columns = new Columns()
      await reader.advance(columns)
      expect(columns.column('loss')?.steps.length).toBe(3)
    },
  )
})

describe('what a look is answered with', () => {
  const bytes = (...parts: string[]) => Buffer.from(parts.map((part) => `${part}\0`).join(''))
  it('is taken in the one form, and a folder that cannot be entered is told', () => {
    expect(parseLook(bytes('none'))).toBe('none')
    const whole = parseLook(bytes('root', '/r', '', 'd 4096 1.5 7 a', 'f 3 2.25 8 a/x y', 'X 1 1.0 9 b', 'end'))
    expect(whole).toMatchObject({
      path: '/r',
      only: null,
      entries: [
        { path: 'a', kind: 'folder' },
        { path: 'a/x y', kind: 'file', bytes: 3, mtimeMs: 2250, mark: '8' },
        { path: 'b', kind: 'folder' },
      ],
      notes: ['b cannot be entered, so nothing of it was read'],
    })
    const cut = parseLook(Buffer.concat([bytes('root', '/r', '', 'f 3 2.0 8 a'), Buffer.from('f 3 2.')]))
    expect(cut).toMatchObject({ entries: [{ path: 'a' }] })
    expect(JSON.stringify(cut)).toMatch(/more below it than a look takes/)
  })

  it('is refused in any other', () => {
    for (const odd of ['f 3 2.0 8 ../x', 'f 3 2.0 8 /etc/passwd', 'f -3 2.0 8 a', 'hello', 'f 3 2.0 8 a/./b'])
      expect(parseLook(bytes('root', '/r', '', odd, 'end')), odd).toBe(null)
    expect(parseLook(Buffer.from('Welcome!\n'))).toBe(null)
    expect(parseLook(bytes('motd', '/r', ''))).toBe(null)
  })
})
