import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { dismissGuard } from '../../src/engine/box/guard.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { launch } from '../../src/launch/service.ts'
import { smoke } from '../../src/smoke/service.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { type Box, type BoxOptions, makeBox, processesOf, readText, unitScript, until } from './tools/box.ts'
import { prove, walkContext } from './tools/context.ts'

/** What must be nowhere but in a unit: with everything that quoting gets wrong. */
const canary = `kx-canary-${process.pid}-9f3e`
const values: Readonly<Record<string, string>> = {
  CANARY_TOKEN: `${canary} 'single' "double" \\n \\\\ $HOME \`id\` %s end=`,
  CANARY_KEY: `-----BEGIN-----\n${canary}\n\n  two\\nthree\n-----END-----`,
  value: `${canary} under the name of a variable of the runner`,
}
const names = Object.keys(values)

const boxes: Box[] = []
const servers: Sshd[] = []
const hosts: Host[] = []
afterEach(() => {
  for (const made of boxes.splice(0)) {
    for (const pid of processesOf(made))
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended in the same moment.
      }
    rmSync(dirname(dirname(made.folder)), { recursive: true, force: true })
  }
})
afterAll(async () => {
  for (const host of hosts.splice(0)) await host.close()
  for (const server of servers.splice(0)) await server.stop()
})

/** Every process that has the canary among its arguments, or in its environment without being a unit's own. */
function leaks(): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (argv.includes(canary)) found.push(`argv of ${pid}: ${argv.slice(0, 60)}`)
      const environ = readFileSync(`/proc/${pid}/environ`, 'utf8')
      if (environ.includes(canary) && !/\0KX_(?:UNIT|RUN_ID)=/.test(`\0${environ}`))
        found.push(`environ of ${pid}: ${argv}`)
    } catch {
      // It has ended, or is another user's.
    }
  }
  return found
}

/** Between two looks at all processes. A look takes this process whole, so without a pause the work itself hardly goes on. */
const pauseMs = process.env.KX_FAULTS_FULL === '1' ? 0 : 5

/** Looks again and again while something is done: what lives for a moment is seen too. */
async function watched<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const done = work.finally(() => {
    isOver = true
  })
  while (!isOver) {
    expect(leaks()).toEqual([])
    await new Promise((wake) => setTimeout(wake, pauseMs))
  }
  return done
}

const show = (path: string) => `cat /proc/self/environ >"${path}.tmp" && mv "${path}.tmp" "${path}"`
const valuesIn = (environ: string) => {
  const found = new Map(environ.split('\0').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
  return Object.fromEntries(names.map((name) => [name, found.get(name)]))
}
/** Files below a folder that hold the canary. */
const holding = (folder: string) => {
  try {
    return execFileSync('grep', ['-rlaF', '--', canary, folder]).toString().trim().split('\n')
  } catch {
    return []
  }
}

let made = 0
function secretBox(options: BoxOptions = {}): Box {
  // As in the field no two launches share a token: the guard of one would take away what the other was handed.
  made += 1
  const plain = makeBox({
    units: 1,
    token: `kx-h${process.pid}-${made}`,
    ...options,
    files: {
      'unit.sh': `${show('/tmp/kx-environ-$KX_RUN_ID-unit')}\n${unitScript}`,
      'after.sh': show('/tmp/kx-environ-$KX_RUN_ID-after'),
    },
    plan: { secrets: names, ...options.plan },
  })
  const box = {
    ...plain,
    request: {
      ...plain.request,
      runId: `h${process.pid}-${made}`,
      secrets: { valueOf: (name: string) => values[name] ?? null, folders: ['/tmp'] },
    },
  }
  boxes.push(box)
  return box
}
const environOf = async (box: Box, what: string) => {
  const path = `/tmp/kx-environ-${box.request.runId}-${what}`
  const text = await until(() => (existsSync(path) ? readFileSync(path, 'utf8') : null))
  rmSync(path)
  return text
}
const secretsFile = (box: Box) => `${readText(box, 'secrets.path')?.trim()}/values`

const kinds: readonly (readonly [string, () => Promise<Host>])[] = [
  ['local', async () => createLocalHost()],
  [
    'ssh',
    async () => {
      const sshd = await startSshd()
      servers.push(sshd)
      const { host } = tellingHost([hopTo(sshd)], trusting(sshd), {})
      hosts.push(host)
      return host
    },
  ],
]

describe.each(kinds)('secrets handed over to a %s host', (kind, open) => {
  it.skipIf(kind === 'ssh' && needsSshd().skip)(
    'reach units and steps whole, nobody else, and are gone with the run',
    async () => {
      const host = await open()
      const made = secretBox({ steps: 8, stepSeconds: 0.2 })
      const times = { leaseSeconds: 3600, absentSeconds: 3600, stallSeconds: 3600, pollSeconds: 1 }
      const box = { ...made, request: { ...made.request, guard: { ...times, hasMeter: false, park: null } } }
      const handle = await watched(boxEngine.submit(host, box.request))
      const { guard } = await boxEngine.status(host, handle, box.request.units)
      expect(guard).toMatchObject({ isAlive: true, token: box.request.token, number: 1, leaseSeconds: 3600 })
      const file = secretsFile(box)
      expect(file).toMatch(/^\/(?:dev\/shm|tmp)\//)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
      expect(valuesIn(await watched(environOf(box, 'unit')))).toEqual(values)
      expect(holding(box.folder)).toEqual([])
      for (let pid = handle.process.pid, up = 0; pid > 1 && up < 3; up++) {
        expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(canary)
        pid = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
      }
      expect(valuesIn(await watched(environOf(box, 'after')))).toEqual(values)
      await watched(until(() => readText(box, 'exit.json')))
      expect(existsSync(dirname(file))).toBe(false)
      expect(holding(box.folder)).toEqual([])
    },
  )
})

describe('secrets on the box', () => {
  const host = createLocalHost()
  afterAll(() => host.close())

  it('stay for the save hook of the guard, and go with it', async () => {
    const guard = {
      leaseSeconds: 3600,
      hasMeter: true,
      park: null,
      absentSeconds: 1,
      stallSeconds: 3600,
      pollSeconds: 0.1,
    }
    const made = secretBox({
      plan: {
        save: { name: 'keep', command: ['sh', '-c', show('/tmp/kx-environ-$KX_RUN_ID-save')], timeoutSeconds: 20 },
      },
    })
    const box = { ...made, request: { ...made.request, guard } }
    await boxEngine.submit(host, box.request)
    await environOf(box, 'unit')
    await environOf(box, 'after')
    expect(valuesIn(await watched(environOf(box, 'save')))).toEqual(values)
    await until(() => readText(box, 'guard/alarm'))
    const file = secretsFile(box)
    expect(existsSync(file)).toBe(true)
    expect(await dismissGuard(host, box.folder)).toBe(true)
    expect(existsSync(dirname(file))).toBe(false)
  })

  it('are taken off by a teardown after a runner that was killed, and replaced by another launch', async () => {
    const box = secretBox({ steps: 4000, stepSeconds: 0.05 })
    const handle = await boxEngine.submit(host, box.request)
    const first = secretsFile(box)
    process.kill(handle.process.pid, 'SIGKILL')
    for (const pid of processesOf(box)) process.kill(pid, 'SIGKILL')
    await until(() => processesOf(box).length === 0)
    expect(existsSync(first)).toBe(true)
    const again = { ...box.request, token: `${box.request.token}-2` }
    const second = await boxEngine.submit(host, again)
    expect(existsSync(first)).toBe(false)
    expect(existsSync(secretsFile(box))).toBe(true)
    const file = secretsFile(box)
    process.kill(second.process.pid, 'SIGKILL')
    expect(await dismissGuard(host, box.folder)).toBe(true)
    expect(existsSync(dirname(file))).toBe(false)
    rmSync(`/tmp/kx-environ-${box.request.runId}-unit`, { force: true })
  })

  it('a path that no launch made is left alone', async () => {
    const box = secretBox()
    const innocent = join(dirname(box.folder), 'not-ours')
    execFileSync('mkdir', ['-p', innocent, box.folder])
    writeFileSync(join(innocent, 'values'), 'keep')
    writeFileSync(join(box.folder, 'secrets.path'), `${innocent}\n`)
    expect(await dismissGuard(host, box.folder)).toBe(true)
    expect(existsSync(join(innocent, 'values'))).toBe(true)
  })

  it('a name that the contract needs, and a stanza that is cut, start nothing', async () => {
    const taken = secretBox({ plan: { secrets: ['KX_UNIT'] } })
    await expect(boxEngine.submit(host, taken.request)).rejects.toMatchObject({ outcome: 'nothing-started' })
    const cut = secretBox()
    const cutting: Host = {
      ...host,
      exec: (argv, options) =>
        host.exec(
          argv,
          typeof options?.stdin === 'string' && options.stdin.endsWith('end\n')
            ? { ...options, stdin: options.stdin.slice(0, -4) }
            : options,
        ),
    }
    await expect(boxEngine.submit(cutting, cut.request)).rejects.toMatchObject({
      outcome: 'nothing-started',
      message: expect.stringContaining('cut off'),
    })
    expect(readText(cut, 'plan.env')).toBeNull()
    expect(holding(`${secretsFile(cut).replace('/values', '')}`)).toEqual([])
    rmSync(dirname(secretsFile(cut)), { recursive: true, force: true })
  })

  it('leave no trace in what a walk writes: journal, cells, run configuration, smoke and launch', async () => {
    for (const [name, value] of Object.entries(values)) process.env[name] = value
    const scrubbed: string[] = []
    try {
      const ctx = await walkContext({
        unitScript: `[ -n "$CANARY_TOKEN" ] || exit 9\n${unitScript}`,
        plan: { secrets: names },
      })
      await prove(ctx, 'PlanDigest', 'AuditReport')
      const smoked = await watched(smoke(ctx))
      // It got to its end, so it had them.
      const folder = (smoked.proof?.payload as { folder?: string } | undefined)?.folder ?? smoked.summary
      expect(existsSync(`${folder}/units/value-1/result.json`), smoked.summary).toBe(true)
      await prove(ctx, 'SmokeProof', 'PricedPlan', 'Approval')
      expect(await watched(launch(ctx))).toMatchObject({ exitCode: 0 })
      await watched(until(() => readText({ folder: ctx.box } as Box, 'exit.json')))
      expect(holding(ctx.home)).toEqual([])
      expect([...ctx.said, ...ctx.output].join('\n')).not.toContain(canary)
      scrubbed.push(...holding(ctx.run.folder))
    } finally {
      for (const name of names) delete process.env[name]
    }
    expect(scrubbed).toEqual([])
  })
})
