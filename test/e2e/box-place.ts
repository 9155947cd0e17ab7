import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sshd } from '../harness/sshd.ts'
import { makePlace, type Place } from './support.ts'

export interface BoxPlaceOptions {
  /** Where the box is reached; default its own port. */
  readonly port?: number
  /** The known_hosts file of the user; default one that is not there yet, in the root of the place. */
  readonly known?: string
  /** Further lines of the settings. */
  readonly settings?: string
}

/** The sample project with a plan for `box`, a machine that the user's ssh configuration names. */
export function boxPlace(box: Sshd, options: BoxPlaceOptions = {}): { readonly place: Place; readonly known: string } {
  const place = makePlace({
    groups: 4,
    epochs: 30,
    plan: [
      ['hosts: [local]', 'hosts: [box]'],
      ['profiles: [local]', 'profiles: [lab]'],
    ],
  })
  const { port = box.port, known = join(place.root, 'known_hosts'), settings = '' } = options
  const config = join(place.state, 'config', 'kx')
  mkdirSync(join(config, 'profiles'), { recursive: true })
  const ssh = join(place.root, 'ssh_config')
  writeFileSync(
    ssh,
    `Host box\n  HostName ${box.address}\n  Port ${port}\n  User ${box.user}\n  IdentityFile ${box.clientKey.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\n${settings}`)
  writeFileSync(
    join(config, 'profiles', 'lab.yaml'),
    'extends: generic-ssh\nplatform: lab\nbilling:\n  usdPerHour: 0\n  priceSource: our own machine\n',
  )
  return { place, known }
}
