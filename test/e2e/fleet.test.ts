import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Fleet, startFleet } from '../harness/fleet.ts'
import { needsSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { ACT_MS, answerYes, approve, clearPlaces, kx, kxJson, makePlace, mustPass, type Place } from './support.ts'

const fleets: Fleet[] = []
afterEach(async () => {
  clearPlaces()
  for (const fleet of fleets.splice(0)) await fleet.stop()
})

/** The sample project with a plan for several hosts, each with a real sshd, keys and a home of its own. */
async function fleetPlace(count: number, epochs: number): Promise<{ place: Place; fleet: Fleet }> {
  const fleet = await startFleet(count)
  fleets.push(fleet)
  const names = fleet.boxes.map((box) => box.name).join(', ')
  const place = makePlace({
    groups: 4,
    epochs,
    plan: [
      ['hosts: [local]', `hosts: [${names}]`],
      ['profiles: [local]', 'profiles: [lab]'],
    ],
  })
  const config = join(place.state, 'config', 'kx')
  mkdirSync(join(config, 'profiles'), { recursive: true })
  const ssh = join(place.root, 'ssh_config')
  writeFileSync(ssh, fleet.sshConfig())
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\n`)
  writeFileSync(
    join(config, 'profiles', 'lab.yaml'),
    'extends: generic-ssh\nplatform: lab\nbilling:\n  usdPerHour: 0\n  priceSource: our own machine\n',
  )
  return { place, fleet }
}

/** All gates up to the launch. The class of the boxes has its smoke on the first of them. */
async function passFleetGates(place: Place): Promise<void> {
  await kx(place, ['plan'])
  await answerYes(place, ['profile', 'acknowledge', 'lab'])
  await mustPass(place, ['plan'], ['audit'])
  await mustPass(place, ['smoke'], ['cost'])
  await approve(place)
}

describe.skipIf(needsSshd().skip)('a run over several hosts', () => {
  it('is launched on each of them with a share of the units, and looked at as one', async () => {
    const { place } = await fleetPlace(2, 30)
    await passFleetGates(place)
    await mustPass(place, ['launch'])
    const look = (await kxJson(place, ['patrol'])).data
    expect(look.units.map((row: { host: string }) => row.host).sort()).toEqual([
      ...['box1', 'box1', 'box1', 'box1'],
      ...['box2', 'box2'],
    ])
    await waitUntil(async () => (await kxJson(place, ['patrol'])).data?.state === 'finished', {
      timeoutMs: ACT_MS,
      what: 'the run to end on both hosts',
    })
    const end = (await kxJson(place, ['patrol'])).data
    expect([end.unitsDone, end.unitsTotal]).toEqual([6, 6])
  })
})
