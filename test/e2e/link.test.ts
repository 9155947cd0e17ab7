import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { type LinkProxy, startProxy } from '../harness/link-proxy.ts'
import { type KeyFile, makeKey, needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { boxPlace } from './box-place.ts'
import { ACT_MS, answerYes, clearPlaces, kx, kxJson, mustPass, type Place } from './support.ts'

const { skip } = needsSshd()
const tmux = await needsTmux()
const isFull = process.env.KX_FAULTS_FULL === '1'
const open: { stop(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop()
  clearPlaces()
})
function kept<T extends { stop(): Promise<unknown> }>(each: T): T {
  open.push(each)
  return each
}

interface Way {
  readonly place: Place
  readonly box: Sshd
  readonly proxy: LinkProxy
  /** The user's known_hosts. */
  readonly known: string
}

/** The sample project for a machine behind a link of ours; nobody knows its host key yet. */
async function unknownBox(key?: KeyFile): Promise<Way> {
  const box = kept(await startSshd({ hostKeyTypes: ['ed25519'], ...(key === undefined ? {} : { clientKey: key }) }))
  const proxy = kept(await startProxy(box.port))
  const { place, known } = boxPlace(box, { port: proxy.port, settings: 'confirm:\n  guardMs: 0\n' })
  return { place, box, proxy, known }
}

const fingerprintOf = (box: Sshd) =>
  execFileSync('ssh-keygen', ['-lf', box.hostKeys[0]?.path ?? ''])
    .toString()
    .split(' ')[1] ?? ''

async function workbench(place: Place, ...args: string[]): Promise<Tmux> {
  const app = await Tmux.start({
    command: [node, builtEntry(), '--project', place.project, ...args],
    cwd: place.project,
    env: place.env,
    columns: 100,
    rows: 30,
  })
  kept({ stop: () => app.kill() })
  return app
}

/** The run begun and the platform acknowledged: what stands before the audit. */
async function readyToAudit(place: Place): Promise<void> {
  await kx(place, ['plan'])
  await answerYes(place, ['profile', 'acknowledge', 'lab'])
  await mustPass(place, ['plan'])
}

const says = (text: string) => (rows: readonly string[]) => rows.join('\n').replace(/\s+/g, ' ').includes(text)
const see = (app: Tmux, text: string, timeoutMs = ACT_MS) => app.waitFor(says(text), { timeoutMs, what: text })

describe.skipIf(skip)('the key of a machine that nobody knows', () => {
  it('is shown and trusted by a script with the fingerprint that it was told, and with no other', async () => {
    const { place, box, known } = await unknownBox()
    const nobody = await kxJson(place, ['host', 'trust', 'box'])
    expect([nobody.exitCode, nobody.data.shown[0].fingerprint]).toEqual([3, fingerprintOf(box)])
    const other = `SHA256:${'A'.repeat(43)}`
    expect((await kxJson(place, ['host', 'trust', 'box', '--fingerprint', other])).exitCode).toBe(1)
    expect(existsSync(known)).toBe(false)
    const done = await kxJson(place, ['host', 'trust', 'box', '--fingerprint', fingerprintOf(box)])
    expect([done.exitCode, done.data.trusted]).toMatchObject([0, [{ hop: 'box', byPerson: true }]])
    expect(readFileSync(known, 'utf8')).toContain(box.hostKeys[0]?.publicLine)
  })
})

describe.skipIf(skip || tmux.skip)('a link in the workbench', () => {
  it('asks for the passphrase and about an unknown key, audits, and refuses the key that changed with both fingerprints', async () => {
    const folder = kept({ stop: async () => {}, path: join('/tmp', `kx-link-${process.pid}`) })
    mkdirSync(folder.path, { recursive: true })
    const key = makeKey(folder.path, `locked-${Date.now()}`, 'ed25519', 'open sesame')
    const { place, box, proxy, known } = await unknownBox(key)
    await readyToAudit(place)
    const app = await workbench(place, '--screen', 'audit')
    await see(app, 'on box')
    await app.keys('r')
    await see(app, 'Nobody knows the host key of box')
    await see(app, fingerprintOf(box))
    await new Promise((resolve) => setTimeout(resolve, 400))
    await app.keys('y')
    await app.keys('Enter')
    await see(app, 'Passphrase of a key for box')
    await new Promise((resolve) => setTimeout(resolve, 400))
    await app.type('open sesame')
    const typed = await see(app, '***********')
    expect(typed.join('\n')).not.toContain('sesame')
    await app.keys('Enter')
    await see(app, 'link up')
    await see(app, 'audit of box:')
    expect(readFileSync(known, 'utf8')).toContain(box.hostKeys[0]?.publicLine)

    const now = kept(await startSshd({ hostKeys: [makeKey(folder.path, `host-${Date.now()}`)], clientKey: key }))
    proxy.target(now.port)
    proxy.cut()
    const rows = await see(app, 'Another machine answers')
    expect(says('link paused')(rows)).toBe(true)
    await app.keys('m')
    await see(app, fingerprintOf(box))
    await see(app, fingerprintOf(now))
    await see(app, ':host trust --host box')
    expect(now.log()).not.toContain('Accepted publickey')
    await app.keys('Escape')
    await see(app, 'q quit')
    // The old machine is back: one key goes on, and the passphrase is not asked for again.
    proxy.target(box.port)
    await app.keys('L')
    await see(app, 'link up')
  })

  it.skipIf(!isFull).each(['ssh', 'openssh'])(
    'that is silent is shown stale in 15 s and dead in 40 s, answers keys meanwhile, and is up again: %s',
    async (transport) => {
      const { place, box, proxy, known } = await unknownBox()
      const settings = join(place.state, 'config', 'kx', 'kxrc')
      writeFileSync(settings, readFileSync(settings, 'utf8').replace('ssh:\n', `ssh:\n  transport: ${transport}\n`))
      writeFileSync(known, `[${box.address}]:${proxy.port} ${box.hostKeys[0]?.publicLine}\n`)
      await readyToAudit(place)
      const app = await workbench(place, '--screen', 'audit')
      await see(app, 'on box')
      await app.keys('r')
      await see(app, 'link up')
      await see(app, 'audit of box:')
      proxy.blackHole()
      const since = performance.now()
      const seconds = () => (performance.now() - since) / 1000
      const keyMs: number[] = []
      let [stale, dead] = [0, 0]
      for (let screen = 0; dead === 0 && seconds() < 60; screen += 1) {
        const began = performance.now()
        await app.keys(screen % 2 === 0 ? '1' : '2')
        await app.waitFor((rows) => rows[1]?.includes(screen % 2 === 0 ? '1 Plan]' : '2 Audit]'), { timeoutMs: 5000 })
        keyMs.push(performance.now() - began)
        const title = (await app.capture())[0] ?? ''
        if (stale === 0 && title.includes('link stale')) stale = seconds()
        if (title.includes('link down')) dead = seconds()
      }
      console.info(
        JSON.stringify({
          transport,
          staleSeconds: stale,
          deadSeconds: dead,
          keys: keyMs.length,
          worstKeyMs: Math.max(...keyMs),
        }),
      )
      expect(stale).toBeGreaterThan(0)
      expect(stale).toBeLessThanOrEqual(15)
      expect(dead).toBeGreaterThan(stale)
      expect(dead).toBeLessThanOrEqual(40)
      proxy.pass()
      await see(app, 'link up', 120_000)
      await see(app, 'is up again')
    },
  )
})
