import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { answerYes, clearPlaces, kx, makePlace, mustPass, type Place } from './support.ts'

const boxes: Sshd[] = []
afterEach(async () => {
  clearPlaces()
  for (const box of boxes.splice(0)) await box.stop()
})

/** The sample project with a plan for `box`, a machine that the user's ssh configuration names. */
async function remotePlace(knows = true): Promise<{ place: Place; box: Sshd }> {
  const box = await startSshd()
  boxes.push(box)
  const place = makePlace({
    groups: 4,
    epochs: 30,
    plan: [
      ['hosts: [local]', 'hosts: [box]'],
      ['profiles: [local]', 'profiles: [lab]'],
    ],
  })
  const config = join(place.state, 'config', 'kx')
  mkdirSync(join(config, 'profiles'), { recursive: true })
  const ssh = join(place.root, 'ssh_config')
  const known = knows ? box.knownHostsFile : '/dev/null'
  writeFileSync(
    ssh,
    `Host box\n  HostName ${box.address}\n  Port ${box.port}\n  User ${box.user}\n  IdentityFile ${box.clientKey.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\n`)
  writeFileSync(
    join(config, 'profiles', 'lab.yaml'),
    'extends: generic-ssh\nplatform: lab\nbilling:\n  usdPerHour: 0\n  priceSource: our own machine\n',
  )
  return { place, box }
}

describe.skipIf(needsSshd().skip)('a plan for a machine behind SSH', () => {
  it('is audited and tried out there, and says what it does not know of it yet', async () => {
    const { place, box } = await remotePlace()
    await kx(place, ['plan'])
    await answerYes(place, ['profile', 'acknowledge', 'lab'])
    await mustPass(place, ['plan'])
    const audit = await kx(place, ['audit'])
    expect(audit.code).toBe(4)
    expect(audit.stdout).toMatch(/✓ pass .*audit\.reachable/)
    expect(audit.stdout).toMatch(/✓ pass .*audit\.host-identity/)
    const smoke = await kx(place, ['smoke'])
    expect(smoke.stdout).not.toMatch(/✗ fail \(error\)/)
    expect([smoke.code, smoke.stdout.match(/\? unknown \(error\) \S+/g)]).toEqual([
      4,
      ['? unknown (error) smoke.local-first:'],
    ])
    // The units ran in the home folder of the session, not in the one of this user.
    expect(readdirSync(box.home)).toContain('proj')
    expect(readdirSync(join(place.state, 'data'))).not.toContain('kx')
  })

  it('is not touched when nobody knows its key: the audit says which key it shows', async () => {
    const { place, box } = await remotePlace(false)
    await kx(place, ['plan'])
    const { code, stdout, stderr } = await kx(place, ['audit'])
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(/SHA256:/)
    expect(readdirSync(box.home)).not.toContain('proj')
  })
})
