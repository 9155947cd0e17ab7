import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import type { Detach } from '../../src/engine/types.ts'
import { createLocalHost } from '../../src/host/local.ts'
import { launch } from '../../src/launch/service.ts'
import { smoke } from '../../src/smoke/service.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, startSshd } from '../harness/sshd.ts'
import { type Box, hasProgram, makeBox, processesOf, readText, unitScript, until } from './tools/box.ts'
import { prove, walkContext } from './tools/context.ts'

const boxes: Box[] = []
afterEach(() => {
  for (const made of boxes.splice(0)) {
    for (const pid of processesOf(made)) process.kill(pid, 'SIGKILL')
    rmSync(dirname(dirname(made.folder)), { recursive: true, force: true })
  }
})

/** What no unit may see: by its name, by a form that issuers give, by a value that kx knows, because it is kx's own. */
const secret = {
  HF_TOKEN: 'made-up-value-1',
  AWS_SECRET_ACCESS_KEY: 'made-up-value-2',
  'odd.name-api_key': 'made-up-value-3',
  NOTES: 'sent to ghp_0123456789abcdefghijABCDEFGHIJ456789 today',
  REGISTRY: 'https://someone:made-up-value-4@packages.example/simple',
  INNOCENT: 'prefix made-up-value-5 suffix',
  KX_FAILPOINT_LOG: '/nonexistent/kx-of-ours',
  SSH_AUTH_SOCK: '/nonexistent/agent',
}
const known = 'made-up-value-5'
/** What clusters and people have set, and a program may need. */
const ordinary = {
  LANG: 'C.UTF-8',
  LD_LIBRARY_PATH: '/opt/secret:/opt/lib',
  MODULEPATH: '/opt/modules/tokens:/usr/share/modules',
  NCCL_SOCKET_IFNAME: 'ib0',
  UCX_TLS: 'rc,sm',
  TOKENIZERS_PARALLELISM: 'false',
  HF_HOME: '/scratch/hf',
  EMPTY: '',
}
const wanted = { WANDB_API_KEY: 'made-up-value-6' }
const environment = { PATH: process.env.PATH, HOME: '/nonexistent', ...ordinary, ...secret, ...wanted }
const host = createLocalHost({ env: environment })

const show = (path: string) => `cat /proc/self/environ >"${path}.tmp" && mv "${path}.tmp" "${path}"`
const entries = (text: string) => new Map(text.split('\0').map((line) => [line.split('=', 1)[0], line] as const))

function expectClean(environ: string, isUnit = true): void {
  const found = entries(environ)
  for (const name of Object.keys(secret)) expect(found.has(name), name).toBe(false)
  for (let n = 1; n <= 5; n++) expect(environ).not.toContain(`made-up-value-${n}`)
  expect(environ).not.toContain('ghp_')
  for (const [name, value] of Object.entries(ordinary)) expect(found.get(name)).toBe(`${name}=${value}`)
  // Units alone have what the plan names, and nobody who keeps them running.
  for (const [name, value] of Object.entries(wanted))
    expect(found.get(name)).toBe(isUnit ? `${name}=${value}` : undefined)
  if (isUnit) expect(found.get('KX_RUN_ID')).toMatch(/=./)
}

describe('what a unit inherits', () => {
  const ways: readonly Detach[] = hasProgram('tmux') ? ['setsid', 'tmux'] : ['setsid']
  it.each(ways)(
    'is neither a secret nor a setting of kx, detached by %s, for steps and the save hook too',
    async (way) => {
      const made = makeBox({
        units: 2,
        files: { 'unit.sh': `${show('$KX_UNIT_DIR/environ')}\n${unitScript}` },
        steps: 400,
        stepSeconds: 0.05,
        token: `kx-s${process.pid}-${way}`,
        plan: {
          secrets: Object.keys(wanted),
          save: { name: 'keep', command: ['sh', '-c', show('$KX_RUN_DIR/saved')], timeoutSeconds: 20 },
        },
      })
      boxes.push(made)
      const told: string[] = []
      const handle = await boxEngine.submit(host, {
        ...made.request,
        detach: [way],
        holdsSecret: (text) => text.includes(known),
        onWithheld: (names) => told.push(...names),
      })
      expect(handle.detach).toBe(way)
      try {
        expect(told).toEqual(Object.keys(secret).sort())
        for (const unit of ['value-1', 'value-2'])
          expectClean(await until(() => readText(made, `units/${unit}/environ`)))
        // The runner, and above it whatever way to detach keeps it: the server of tmux for one.
        let pid = handle.process.pid
        for (let up = 0; up < 3 && pid > 1; up++) {
          const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
          expectClean(readFileSync(`/proc/${pid}/environ`, 'utf8'), false)
          if (way === 'setsid' || !/tmux|sh/.test(readFileSync(`/proc/${parent}/comm`, 'utf8'))) break
          pid = parent
        }
        // Named ones are handed over, not written down.
        expect(readText(made, 'plan.json')).not.toContain('made-up-value')
      } finally {
        await boxEngine.cancel(host, handle, 'test over', 3)
      }
      expectClean(await until(() => readText(made, 'saved')))
    },
  )

  it('is as clean in the steps after the last unit', async () => {
    const made = makeBox({
      units: 1,
      files: { 'after.sh': show('$KX_RUN_DIR/after-environ') },
      plan: { secrets: Object.keys(wanted) },
    })
    boxes.push(made)
    await boxEngine.submit(host, { ...made.request, holdsSecret: (text) => text.includes(known) })
    expectClean(await until(() => readText(made, 'after-environ')))
    await until(() => readText(made, 'exit.json'))
  })

  it('is what the plan sets where the plan speaks of a name itself', async () => {
    const made = makeBox({
      units: 1,
      files: { 'after.sh': show('$KX_RUN_DIR/after-environ') },
      plan: {
        secrets: ['WANDB_API_KEY'],
        environmentVariables: { MODE: 'plain', STEPS: '1', STEP_SECONDS: '0', HF_TOKEN: 'none' },
      },
    })
    boxes.push(made)
    await boxEngine.submit(host, made.request)
    expect(entries(await until(() => readText(made, 'after-environ'))).get('HF_TOKEN')).toBe('HF_TOKEN=none')
    await until(() => readText(made, 'exit.json'))
  })

  it('starts nothing when the host does not say what would be inherited', async () => {
    const made = makeBox()
    boxes.push(made)
    const mute = { ...host, exec: async () => host.exec(['false']) }
    await expect(boxEngine.submit(mute, made.request)).rejects.toMatchObject({ outcome: 'nothing-started' })
    expect(readText(made, 'plan.env')).toBeNull()
  })

  it('is the same in a smoke, and a launch says what it keeps from the units', async () => {
    const made = await walkContext({
      unitScript: `${show('$KX_UNIT_DIR/environ')}\n${unitScript}`,
      plan: { secrets: Object.keys(wanted) },
    })
    // A value that this process knows, as a person's shell would have it.
    process.env.KX_TEST_SECRET_TOKEN = known
    try {
      const env = { ...environment, HOME: made.home }
      const ctx = { ...made, host: createLocalHost({ env }) }
      await prove(ctx, 'PlanDigest', 'AuditReport')
      const answer = await smoke(ctx)
      const folder = (answer.proof?.payload as { folder: string } | undefined)?.folder ?? answer.summary
      expect(made.said.find((line) => line.startsWith('kept from the units: '))).toContain('HF_TOKEN, INNOCENT')
      made.said.length = 0
      expectClean(readFileSync(`${folder}/units/value-1/environ`, 'utf8'))
      expectClean(readFileSync(`${folder}/drill/value-1/environ`, 'utf8'))
      await prove(ctx, 'SmokeProof', 'PricedPlan', 'Approval')
      expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
      expectClean(await until(() => readText({ folder: made.box } as Box, 'units/value-4/environ')))
      expect(made.said.find((line) => line.startsWith('kept from the units: '))).toContain('HF_TOKEN, INNOCENT, KX_')
      await until(() => readText({ folder: made.box } as Box, 'exit.json'))
    } finally {
      delete process.env.KX_TEST_SECRET_TOKEN
    }
  })

  it.skipIf(needsSshd().skip)(
    'is the same for a smoke and a launch behind SSH, whatever a login there has',
    async () => {
      const { PATH: _path, HOME: _home, ...session } = environment
      const sshd = await startSshd({ env: session })
      // Of a smoke there nothing is left on the machine.
      const seen = mkdtempSync(join(tmpdir(), 'kx-seen-'))
      const made = await walkContext({
        unitScript: `${show(`${seen}/$KX_SMOKE-$KX_UNIT`)}\n${unitScript}`,
        plan: { secrets: Object.keys(wanted) },
      })
      process.env.KX_TEST_SECRET_TOKEN = known
      const { host: remote } = tellingHost([hopTo(sshd)], trusting(sshd), {})
      try {
        const ctx = { ...made, host: remote }
        // One of this machine is on record, so that this one runs there at once.
        await prove(made, 'SmokeProof')
        await prove(ctx, 'PlanDigest', 'AuditReport')
        await smoke(ctx)
        const smoked = readFileSync(join(seen, '1-value-1'), 'utf8')
        await prove(ctx, 'SmokeProof', 'PricedPlan', 'Approval')
        expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
        const box = ctx.run.state().latest.Receipt?.payload as { readonly folder: string }
        const launchedUnit = await until(() => {
          const path = join(seen, '0-value-1')
          return existsSync(path) ? readFileSync(path, 'utf8') : null
        })
        for (const environ of [smoked, launchedUnit]) {
          const found = entries(environ)
          for (const name of Object.keys(secret)) expect(found.has(name), name).toBe(false)
          for (let n = 1; n <= 5; n++) expect(environ).not.toContain(`made-up-value-${n}`)
          expect(found.get('WANDB_API_KEY')).toBe('WANDB_API_KEY=made-up-value-6')
          expect(found.get('MODULEPATH')).toBe(`MODULEPATH=${ordinary.MODULEPATH}`)
        }
        // Of the shells between, of kx, and of stdbuf, by which the runner has logs written line by line.
        const own =
          /^(?:_|PWD|OLDPWD|SHLVL|KX_.*|WANDB_MODE|PYTHONUNBUFFERED|CUDA_VISIBLE_DEVICES|LD_PRELOAD|_STDBUF_[EO])$/
        const names = (environ: string) =>
          [...entries(environ).keys()].filter((name) => name !== undefined && name !== '' && !own.test(name)).sort()
        expect(names(smoked)).toEqual(names(launchedUnit))
        await until(() => readText(box as Box, 'exit.json'))
      } finally {
        delete process.env.KX_TEST_SECRET_TOKEN
        await remote.close()
        await sshd.stop()
        rmSync(seen, { recursive: true, force: true })
      }
    },
  )
})
