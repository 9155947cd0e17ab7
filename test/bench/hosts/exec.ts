import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { HostsBenchSizes } from '../hosts.ts'
import { spread } from '../stats.ts'
import { openPlace } from './place.ts'

const run = promisify(execFile)

/** One small command over a link that is open: kx, kx by a kept shell, and the system's ssh over a control master, in turns. */
export async function exec({ quick }: HostsBenchSizes) {
  const place = await openPlace()
  const socket = join(place.folder, 'master')
  const to = ['-p', String(place.port), `${place.sshd.user}@${place.sshd.address}`]
  const master = [...place.options, '-o', `ControlPath=${socket}`]
  try {
    await run('ssh', [...master, '-o', 'ControlMaster=yes', '-o', 'ControlPersist=600', '-N', '-f', ...to])
    const host = place.host()
    await host.connect()
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      kxExec: () => host.exec(['true']),
      kxScript: () => host.script('true', [], { isRepeated: true }),
      sshMaster: () => run('ssh', [...master, ...to, 'true']),
    }
    const times: Record<string, number[]> = {}
    const rounds = quick ? 10 : 300
    for (let round = -3; round < rounds; round += 1)
      for (const [name, way] of Object.entries(ways)) {
        const began = performance.now()
        await way()
        const list = times[name] ?? []
        times[name] = list
        // The first ones open what is kept open.
        if (round >= 0) list.push(performance.now() - began)
      }
    return {
      rounds,
      milliseconds: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, spread(list)])),
    }
  } finally {
    await run('ssh', [...master, '-O', 'exit', ...to]).catch(() => {})
    await place.stop()
  }
}
