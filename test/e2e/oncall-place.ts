import { chmodSync, mkdirSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { createLocalHost } from '../../src/host/local.ts'
import { loadPlan } from '../../src/plan/load.ts'
import { openRun } from '../../src/run/handle.ts'
import type { Proof } from '../../src/walk/proof.ts'
import { type Fleet, startFleet } from '../harness/fleet.ts'
import { startProxy } from '../harness/link-proxy.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { kx, makePlace, type Place, runFolderOf, runIds } from './support.ts'

const mib = 1024 * 1024
const diskBytes = 64 * mib

/** A unit that works until it is asked to stop. */
const unitScript = `step=0
while :; do
  step=$((step + 1))
  echo "{\\"step\\":$step,\\"steps\\":100000,\\"time\\":$(date +%s),\\"loss\\":0.5}" >>"$KX_UNIT_DIR/metrics.jsonl"
  sleep 0.5
done
`

const planText = `version: 1
name: tiny
goal: Be rescued at night.
metrics:
  - { name: acc, direction: higher, chance: 0.5, primary: true }
command: [sh, unit.sh]
units: { range: { from: 1, to: 2 } }
smoke: { units: 1, timeoutSeconds: 30, killAfterSteps: 3 }
environment: { kind: system, interpreter: sh }
resources: { compute: cpu, workers: 2 }
checkpoints: { bytes: 70, count: 6 }
artifacts:
  - { glob: "units/*/result.json", minimumCount: 2, kind: json }
hosts: [box1]
profiles: [lab]
budget: { usd: 0, hours: 1 }
`

/** What holds \`rm\` up on the box for as long as the file \`hold\` lies in its folder; \`held\` says that it is. */
const slowRemover = (folder: string) => `#!/bin/sh
if [ -e ${folder}/hold ]; then
  : >${folder}/held
  while [ -e ${folder}/hold ]; do sleep 0.05; done
fi
exec /bin/rm "$@"
`

export interface OncallPlace {
  readonly place: Place
  /** Removing is held up there from now on, until \`goOn\`; \`isHeld\` once a removal has begun. */
  readonly remover: { hold(): void; goOn(): void; readonly held: string }
  /** Checkpoints of the first unit until the disk of the box is full but for 2.5 MiB. */
  fillDisk(): { readonly best: string; readonly newest: string; readonly old: readonly string[] }
  /** The link to the box breaks, and no new one can be made until it is healed. */
  cut(): Promise<void>
  heal(): Promise<void>
  stop(): Promise<void>
}

/**
 * A run at work on a machine behind SSH, which has a disk of its own and a link that can be cut. What a walk would prove
 * before is left out: nothing here is launched anew.
 */
export async function oncallPlace(): Promise<OncallPlace> {
  const place = makePlace()
  const tools = join(place.root, 'box-tools')
  mkdirSync(tools)
  writeFileSync(join(tools, 'rm'), slowRemover(tools))
  chmodSync(join(tools, 'rm'), 0o755)
  const path = `${tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`
  const fleet = await startFleet(1, { diskBytes, sshd: { env: { PATH: path } } })
  const [box] = fleet.boxes
  if (box === undefined) throw new Error('a box is needed')
  const proxy = await startProxy(box.port)
  proxy.target(box.port, box.address)
  rmSync(place.project, { recursive: true })
  mkdirSync(place.project)
  writeFileSync(join(place.project, 'kx.yaml'), planText)
  writeFileSync(join(place.project, 'unit.sh'), unitScript)
  const config = join(place.state, 'config', 'kx')
  mkdirSync(join(config, 'profiles'), { recursive: true })
  const known = join(place.root, 'known_hosts')
  writeFileSync(known, `[127.0.0.1]:${proxy.port} ${box.sshd.hostKeys[0]?.publicLine}\n`)
  const ssh = join(place.root, 'ssh_config')
  writeFileSync(
    ssh,
    `Host box1\n  HostName 127.0.0.1\n  Port ${proxy.port}\n  User ${box.sshd.user}\n` +
      `  IdentityFile ${fleet.clientKey.path}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n` +
      '  GlobalKnownHostsFile /dev/null\n',
  )
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\nrefreshSeconds: 1\nconfirm:\n  guardMs: 0\n`)
  writeFileSync(
    join(config, 'profiles', 'lab.yaml'),
    'extends: generic-ssh\nplatform: lab\nbilling:\n  usdPerHour: 0\n  priceSource: our own machine\n',
  )
  await kx(place, ['plan'])
  const folder = join(box.home, 'proj', runIds(place)[0] ?? '')
  await launched(place, fleet, folder)
  const unit = join(folder, 'units', 'value-1', 'checkpoints')
  return {
    place,
    remover: {
      hold: () => writeFileSync(join(tools, 'hold'), ''),
      goOn: () => rmSync(join(tools, 'hold'), { force: true }),
      held: join(tools, 'held'),
    },
    fillDisk: () => {
      mkdirSync(unit, { recursive: true })
      const put = (name: string, bytes: number, hoursAgo: number) => {
        const file = join(unit, name)
        writeFileSync(file, Buffer.alloc(bytes, 1))
        const at = Date.now() / 1000 - hoursAgo * 3600
        utimesSync(file, at, at)
        return file
      }
      const best = put('best.pt', mib, 6)
      const { bavail, bsize } = statfsSync(unit)
      const each = Math.floor((bavail * bsize - 2.5 * mib) / 5)
      const old = [1, 2, 3, 4].map((n) => put(`epoch-${n}.pt`, each, 6 - n))
      return { best, newest: put('epoch-5.pt', each, 1), old }
    },
    cut: async () => {
      await proxy.refuse()
      proxy.cut()
    },
    heal: () => proxy.accept(),
    stop: async () => {
      rmSync(join(tools, 'hold'), { force: true })
      await proxy.stop()
      await fleet.stop()
    },
  }
}

/** Starts the units on the box as a launch does, and puts its receipt on record. */
async function launched(place: Place, fleet: Fleet, folder: string): Promise<void> {
  const [box] = fleet.boxes
  if (box === undefined) throw new Error('a box is needed')
  const read = await loadPlan(place.project, 'kx.yaml', { exec: createLocalHost().exec, cacheFile: null })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const { plan, units, code } = read.loaded
  const { host } = tellingHost([hopTo(box.sshd)], trusting(box.sshd), { name: 'box1' })
  const run = await openRun(runFolderOf(place), { clock: { nowMs: () => Date.now() } })
  try {
    const handle = await boxEngine.submit(host, {
      ...{ runId: run.id, token: `kx-${run.id}-launch-1`, folder, plan, units, code },
      ...{ workers: 2, threadsPerWorker: null, gpus: [], detach: ['setsid'], leaseUntilMs: null },
      projectFolder: place.project,
      timing: { graceSeconds: 2, heartbeatSeconds: 1, pollSeconds: 0.05 },
    })
    const receipt: Proof = {
      ...{ id: 'receipt-1', kind: 'Receipt', phase: 'launch', atMs: Date.now(), machineClass: 'cpu' },
      host: await host.identity(),
      ...{ boundTo: read.loaded.digests, needs: [], items: [] },
      payload: { handle, workers: 2, folder },
    }
    await run.append('proof.made', receipt)
  } finally {
    await run.close()
    await host.close()
  }
}
