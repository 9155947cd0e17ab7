import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { allCommands } from '../../src/commands/list/all.ts'
import { systemClock } from '../../src/commands/open.ts'
import type { CommandEnvironment } from '../../src/commands/types.ts'
import { createRun } from '../../src/run/folder.ts'
import { openRun } from '../../src/run/handle.ts'
import { readRunState } from '../../src/run/reader.ts'
import type { CellProcess } from '../../src/run/types.ts'
import { closeHosts } from '../../src/session/hosts.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'

const sshd = needsSshd()

describe.skipIf(sshd.skip)('kx cell cancel on a real sshd', () => {
  let server: Sshd
  let box: ReturnType<typeof tellingHost>['host']
  let folder = ''
  let configFile = ''
  let runFolder = ''
  let worker: ChildProcess | null = null

  beforeAll(async () => {
    server = await startSshd()
    box = tellingHost([hopTo(server)], trusting(server), {}).host
  })
  afterAll(async () => {
    await box?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kx-cancel-'))
    vi.stubEnv('HOME', folder)
    vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
    configFile = join(folder, 'ssh_config')
    writeFileSync(
      configFile,
      `Host box\n  HostName ${server.address}\n  Port ${server.port}\n  User ${server.user}\n  IdentityFile ${server.clientKey.path}\n` +
        `  IdentitiesOnly yes\n  UserKnownHostsFile ${server.knownHostsFile}\n  GlobalKnownHostsFile /dev/null\n`,
    )
    const run = await createRun({
      projectFolder: folder,
      project: 'demo',
      planName: 'demo',
      planText: 'name: demo\n',
      by: 'ada',
      clock: systemClock,
    })
    runFolder = run.folder
    await run.close()
  })
  afterEach(async () => {
    worker?.kill('SIGKILL')
    worker = null
    await closeHosts()
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })

  const cells = () => readRunState(runFolder)?.cells ?? []
  const cancel = (cell: string) => {
    const spec = allCommands().get('cell.cancel')
    const env: CommandEnvironment = {
      projectFolder: folder,
      runId: null,
      who: 'ada',
      via: 'cli',
      settings: { 'ssh.configFile': configFile },
      signal: new AbortController().signal,
      ask: { isAttended: false, confirm: async () => false, typed: async () => null, text: async () => null },
      progress: () => {},
      openRun: () => {},
    }
    return spec?.run?.(env, spec.args.parse({ cell, graceSeconds: 5 }))
  }
  /** Another kx, with a cell that runs on the box; settles when its process group is on record. */
  async function otherKx() {
    const args = [join(import.meta.dirname, 'cell-worker.ts'), runFolder, 'box', configFile]
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    started.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    worker = started
    const exited = new Promise((resolve) => started.once('exit', resolve))
    await waitUntil(() => cells()[0]?.process !== undefined, {
      timeoutMs: 60_000,
      what: 'a process group on record',
      describe: () => said,
    })
    const process_ = cells()[0]?.process
    if (process_ === undefined) throw new Error('no process')
    return { kx: started, exited, process: process_ }
  }
  const isThere = ({ pgid, startTicks, bootId }: CellProcess) => box.isAlive({ pid: pgid, startTicks, bootId })

  it('ends what a kx left behind that was killed, and writes down its end', async () => {
    const { kx, exited, process } = await otherKx()
    kx.kill('SIGKILL')
    await exited
    expect(await isThere(process)).toBe(true)
    expect(await cancel('1')).toMatchObject({
      exitCode: 0,
      data: { outcome: 'gone', isEnded: true, pgid: process.pgid },
    })
    expect(await isThere(process)).toBe(false)
    const [ended, own] = cells()
    expect(ended?.ended).toMatchObject({
      state: 'failed',
      cause: 'aborted',
      process: { pgid: process.pgid, startTicks: process.startTicks },
    })
    expect(own).toMatchObject({ started: { name: 'cell.cancel', via: 'cli' }, ended: { state: 'done' } })
    expect(await cancel('1')).toMatchObject({ exitCode: 1, summary: expect.stringContaining('has ended already') })
  })

  it('ends what another kx runs, which sees it and writes down the end itself', async () => {
    const { exited, process } = await otherKx()
    expect(await cancel('1')).toMatchObject({ exitCode: 0, data: { outcome: 'gone', isEnded: false } })
    expect(await isThere(process)).toBe(false)
    await exited
    expect(cells()[0]?.ended?.summary).toContain('ended as {"kind":"signalled","signal":"SIGTERM"}')
  })

  it('signals nobody whose number was given out again, and says what is not on record', async () => {
    const { process } = await otherKx()
    const run = await openRun(runFolder, { clock: systemClock })
    await run.append('cell.process', { ...process, startTicks: process.startTicks + 1 })
    await run.append('cell.started', { cellId: '01OTHER', name: 'audit.run', title: 'Audit', args: {}, host: null })
    await run.close()
    expect(await cancel('1')).toMatchObject({ exitCode: 1, data: { outcome: 'not-ours' } })
    expect(await isThere(process)).toBe(true)
    expect(cells()[0]?.ended).toBeNull()
    expect(await cancel('2')).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('no process group on record'),
    })
  })
})
