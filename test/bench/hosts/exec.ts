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
    const way = (act: () => Promise<unknown>) => ({ act, times: [] as number[] })
    const kxExec = way(() => host.exec(['true']))
    const kxScript = way(() => host.script('true', [], { isRepeated: true }))
    const sshMaster = way(() => run('ssh', [...master, ...to, 'true']))
    const rounds = quick ? 10 : 300
    for (let round = -3; round < rounds; round += 1)
      for (const { act, times } of [kxExec, kxScript, sshMaster]) {
        const began = performance.now()
        await act()
        // The first ones open what is kept open.
        if (round >= 0) times.push(performance.now() - began)
      }
    const milliseconds = {
      kxExec: spread(kxExec.times),
      kxScript: spread(kxScript.times),
      sshMaster: spread(sshMaster.times),
    }
    return { rounds, milliseconds }
  } finally {
    await run('ssh', [...master, '-O', 'exit', ...to]).catch(() => {})
    await place.stop()
  }
}
