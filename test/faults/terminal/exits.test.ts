import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modes } from '../../../src/terminal/modes.ts'
import { appEnv, fixtureApp } from '../../harness/apps.ts'
import { type PtyApp, startPty } from '../../harness/pty.ts'
import { waitUntil } from '../../harness/wait.ts'

let folder = ''
let log = ''
let app: PtyApp

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-exits-'))
  log = join(folder, 'log')
  writeFileSync(log, '')
})
afterEach(async () => {
  await app.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const heard = () => readFileSync(log, 'utf8')

async function start(env: Record<string, string> = {}): Promise<void> {
  app = startPty({ ...fixtureApp('grid'), env: appEnv({ KX_TEST_LOG: log, ...env }) })
  await app.waitForText('grid 80x24')
  await waitUntil(() => heard().includes('ready'))
}

/** Every mode that was switched on is off again, in that order, and nothing switches it on afterwards. */
function expectRestored(bytes: string): void {
  for (const [name, mode] of Object.entries(modes)) {
    const restored = bytes.lastIndexOf(mode.restore)
    expect(restored, `${name} is restored`).toBeGreaterThan(-1)
    expect(bytes.indexOf(mode.enter, restored), `${name} stays so`).toBe(-1)
  }
  expect(bytes.split(modes.alternateScreen.restore)).toHaveLength(2)
}

const ways: readonly (readonly [string, () => void, { exitCode?: number; signal?: number }])[] = [
  ['the key that quits', () => app.press('q'), { exitCode: 0, signal: 0 }],
  ['process.exit', () => app.press('x'), { exitCode: 7, signal: 0 }],
  ['a crash', () => app.press('c'), { exitCode: 1, signal: 0 }],
  ['an unhandled rejection', () => app.press('r'), { exitCode: 1, signal: 0 }],
  ['SIGTERM', () => app.signal('SIGTERM'), { signal: 15 }],
  ['SIGINT', () => app.signal('SIGINT'), { signal: 2 }],
  ['SIGHUP', () => app.signal('SIGHUP'), { signal: 1 }],
  ['SIGQUIT', () => app.signal('SIGQUIT'), { signal: 3 }],
]

describe('the way out', () => {
  it.each(ways)('restores the terminal after %s', async (_name, leave, exit) => {
    await start()
    app.record()
    leave()
    expect(await app.exited).toMatchObject(exit)
    await app.emulator.settled()
    expectRestored(app.raw)
    expect(app.emulator.isAlternate()).toBe(false)
  })

  it('shows the reason of a crash on the screen that stays', async () => {
    await start()
    app.press('c')
    await app.exited
    await app.waitForText('crash on request')
    expect(app.emulator.isAlternate()).toBe(false)
  })

  it('restores while every frame changes', async () => {
    await start()
    app.press('t')
    await app.waitFor((screen) => !screen[0]?.endsWith(' 0'))
    app.record()
    app.signal('SIGTERM')
    await app.exited
    expectRestored(app.raw)
  })

  it('gives the shell its cooked mode back after a crash', async () => {
    const { command, args } = fixtureApp('grid')
    const line = `${[command, ...args].join(' ')} 2>/dev/null; stty -a | tr ' ' '\\n' | grep -xE 'icanon|-icanon'; echo over`
    app = startPty({ command: 'sh', args: ['-c', line], env: appEnv({ KX_TEST_LOG: log }) })
    await app.waitForText('grid 80x24')
    await waitUntil(() => heard().includes('ready'))
    app.press('c')
    await app.waitForText('over')
    expect(app.screen()).toContain('icanon')
  })
})

describe('a terminal that is gone or does not read', () => {
  it('keeps the process alive when the terminal vanishes, and tells it once', async () => {
    // As one with a run to patrol would, the app goes on after the hang-up.
    await start({ KX_TEST_STAY: '1' })
    app.hangUp()
    await waitUntil(() => heard().includes('detached') && heard().includes('alive'), { describe: heard })
    expect(heard()).toMatch(/"isDetached":true/)
    expect(heard().split('detached ')).toHaveLength(2)
  })

  it('answers keys while the terminal does not read, drops frames, and shows the newest at the end', async () => {
    await start()
    app.press('t')
    await app.waitFor((screen) => !screen[0]?.endsWith(' 0'))
    app.pause()
    const skipped = () => Number(/.*"skippedFrames":(\d+)/s.exec(heard())?.[1] ?? 0)
    await waitUntil(
      () => {
        app.press('ctrl+l', 's')
        return skipped() > 20
      },
      { what: 'keys heard and frames dropped while output is stuck', describe: heard },
    )
    app.resume()
    app.press('t')
    app.press('ctrl+l')
    await app.waitFor((screen) => screen[0]?.startsWith('grid 80x24') && screen[23]?.startsWith('foot 23'))
    app.press('q')
    await app.exited
  })

  it('leaves no process behind', async () => {
    await start()
    app.press('q')
    await app.exited
    expect(() => execFileSync('ps', ['-p', String(app.pid)])).toThrow()
  })
})

describe('what a person does', () => {
  it('arrives as keys, paste, wheel and click, and hostile output leaves the screen alone', async () => {
    await start()
    app.send('G')
    app.send('\u001b[1;5A')
    app.send('\u001b[200~two\rlines\u001b[201~')
    app.send('\u001b[<64;3;4M\u001b[<64;3;4M\u001b[<0;5;6M')
    app.send('\u001b')
    await waitUntil(() => heard().includes('key esc'), { describe: heard })
    const lines = heard().split('\n')
    for (const line of ['key G', 'key ctrl+up', 'paste "two\\nlines"', 'mouse wheel up 2,3', 'mouse press left 4,5']) {
      expect(lines).toContain(line)
    }
    app.press('d')
    await app.waitFor((screen) => screen[2]?.startsWith('abcd'))
    expect(app.screen()[0]).toContain('grid 80x24')
    expect(app.emulator.isAlternate()).toBe(true)
  })

  it('learns from the terminal that it has synchronized output', async () => {
    await start()
    await waitUntil(() => heard().includes('"sync":true'), { describe: heard })
    app.record()
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
    expect(app.raw).toMatch(/^\u001b\[\?2026h[\s\S]*\u001b\[\?2026l$/)
  })

  it('works without any answer from the terminal', async () => {
    app = startPty({ ...fixtureApp('grid'), env: appEnv({ KX_TEST_LOG: log }), isAnswering: false })
    await app.waitForText('grid 80x24')
    app.record()
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
    expect(app.raw).not.toContain('2026')
  })

  it('also draws by Ink itself when asked to', async () => {
    await start({ KX_RENDERER: 'ink' })
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
    app.resize(60, 21)
    await app.waitFor((screen) => screen[0]?.startsWith('grid 60x21') && screen[20]?.endsWith(' 21'))
    app.record()
    app.press('q')
    await app.exited
    expectRestored(app.raw)
  })

  it('is silent when idle', async () => {
    await start()
    await waitUntil(() => performance.now() - app.lastOutputAtMs > 300)
    app.resetCounters()
    const before = app.use()
    await waitUntil(() => performance.now() - app.lastOutputAtMs > 2300)
    expect(app.bytes).toBe(0)
    expect(app.use().voluntarySwitches - before.voluntarySwitches).toBeLessThan(20)
  })
})
