import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gridScreen } from '../../harness/apps/grid-frame.ts'
import { appEnv, fixtureApp } from '../../harness/apps.ts'
import { processState } from '../../harness/proc.ts'
import { type PtyApp, startPty } from '../../harness/pty.ts'
import { waitUntil } from '../../harness/wait.ts'

const ESC = '\u001b'
const JUNK = `${ESC}[5;3Hwall: message from root ${ESC}[44m####${ESC}[0m${ESC}[1;1Hjunk${ESC}[24;70Hlast`
const right = gridScreen(80, 24, 0).join('\n')

let folder = ''
let app: PtyApp
let log = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-repaint-'))
  log = join(folder, 'log')
  writeFileSync(log, '')
})
afterEach(async () => {
  await app.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const heard = () => readFileSync(log, 'utf8')
const isRight = (screen: string[]) => screen.join('\n') === right

async function start(env: Record<string, string> = {}): Promise<void> {
  app = startPty({ ...fixtureApp('grid'), env: appEnv({ KX_TEST_LOG: log, ...env }) })
  await app.waitFor(isRight, { what: 'the first frame' })
  await waitUntil(() => heard().includes('ready'), { what: 'the app to be ready' })
}

async function spoil(): Promise<void> {
  await app.junk(JUNK)
  expect(isRight(app.screen())).toBe(false)
}

describe('a spoilt screen', () => {
  it('is not repaired by an ordinary update, which is why all this exists', async () => {
    await start()
    await spoil()
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
    expect(app.text()).toContain('wall: message')
  })

  it('is right again after Ctrl-L, every time, with the colours', async () => {
    await start()
    const look = app.emulator.fingerprint()
    for (let press = 0; press < 3; press += 1) {
      await spoil()
      app.press('ctrl+l')
      await app.waitFor(isRight)
    }
    expect(app.emulator.fingerprint()).toBe(look)
  })

  it('is right again after a stop and a continue', async () => {
    await start()
    app.signal('SIGSTOP')
    await waitUntil(() => processState(app.pid) === 'T')
    // A shell has been here: it left the alternate screen, showed the cursor and wrote its prompt.
    await app.junk(`${ESC}[?1049l${ESC}[?25h${ESC}[?7h$ prompt`)
    app.signal('SIGCONT')
    await app.waitFor(isRight)
    expect(app.emulator.isAlternate()).toBe(true)
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
  })

  it('is right again when the terminal gets the focus back', async () => {
    await start()
    await waitUntil(() => performance.now() - app.lastOutputAtMs > 1000)
    await spoil()
    app.send(`${ESC}[I`)
    await app.waitFor(isRight)
    expect(heard()).toContain('focus true')
  })

  it('is right again after a window signal without a change of size, as tmux sends on attach', async () => {
    await start()
    await spoil()
    app.signal('SIGWINCH')
    await app.waitFor(isRight)
  })
})

describe('handing the terminal over', () => {
  it('gives an editor the primary screen in cooked mode and takes everything back', async () => {
    const script = join(folder, 'editor.sh')
    writeFileSync(
      script,
      'stty -a > "$0.modes"; printf "editor here\\r\\n"; read line; printf "%s" "$line" > "$0.said"\n',
    )
    await start({ KX_TEST_EDITOR: `sh ${script}` })
    app.press('e')
    await app.waitForText('editor here')
    expect(app.emulator.isAlternate()).toBe(false)
    expect(readFileSync(`${script}.modes`, 'utf8')).toMatch(/ icanon/)
    expect(readFileSync(`${script}.modes`, 'utf8')).toMatch(/ echo /)
    app.send('words for the editor\r')
    await app.waitFor(isRight)
    expect(app.emulator.isAlternate()).toBe(true)
    expect(readFileSync(`${script}.said`, 'utf8')).toBe('words for the editor')
    // What was typed in the editor is no key of ours.
    expect(heard()).not.toContain('key w')
    app.press('n')
    await app.waitFor((screen) => screen[23]?.endsWith('24'))
  })

  it('draws in the new size when the window changed meanwhile', async () => {
    const script = join(folder, 'editor.sh')
    writeFileSync(script, 'printf "editor here\\r\\n"; read line\n')
    await start({ KX_TEST_EDITOR: `sh ${script}` })
    app.press('e')
    await app.waitForText('editor here')
    app.resize(100, 30)
    app.send('\r')
    await app.waitFor((screen) => screen.join('\n') === gridScreen(100, 30, 0).join('\n'))
  })

  it('suspends to a shell on Ctrl-Z and comes back with fg', async () => {
    const { command, args } = fixtureApp('grid')
    app = startPty({
      command: 'bash',
      args: ['--norc', '--noprofile', '-i'],
      env: { ...appEnv({ KX_TEST_LOG: log, PS1: 'sh> ' }), HISTFILE: '/dev/null' },
    })
    await app.waitForText('sh>')
    app.send(`${[command, ...args].join(' ')}\r`)
    await app.waitFor(isRight)
    for (let round = 0; round < 2; round += 1) {
      app.press('ctrl+z')
      await app.waitForText('Stopped')
      expect(app.emulator.isAlternate()).toBe(false)
      app.send('stty -a | tr " " "\\n" | grep -x icanon; echo back-$((20+2))\r')
      await app.waitForText('back-22')
      expect(app.screen()).toContain('icanon')
      app.send('clear; fg\r')
      await app.waitFor(isRight)
    }
    app.press('q')
    await app.waitFor((screen) => screen.some((row) => row.startsWith('sh>')) && !app.emulator.isAlternate())
  })

  it('stops with everything that was started to reach it, as npm and sh are, and comes back with them', async () => {
    const { command, args } = fixtureApp('grid')
    const script = join(folder, 'start.sh')
    // Two parents that wait in the foreground group; neither becomes the program by exec.
    writeFileSync(script, `sh -c '${[command, ...args].join(' ')}; echo inner-$?'; echo outer-over\n`)
    app = startPty({
      command: 'bash',
      args: ['--norc', '--noprofile', '-i'],
      env: { ...appEnv({ KX_TEST_LOG: log, PS1: 'sh> ' }), HISTFILE: '/dev/null' },
    })
    await app.waitForText('sh>')
    app.send(`sh ${script}\r`)
    await app.waitFor(isRight)
    for (let round = 0; round < 2; round += 1) {
      app.press('ctrl+z')
      await app.waitForText('Stopped')
      app.send('echo back-$((20+2))\r')
      await app.waitForText('back-22')
      app.send('clear; fg\r')
      await app.waitFor(isRight)
    }
    app.press('q')
    await app.waitForText('outer-over')
    expect(app.text()).toContain('inner-0')
  })

  it('stays alive on Ctrl-Z where no shell could continue it', async () => {
    await start()
    app.record()
    app.press('ctrl+z')
    await app.waitFor(() => /\u001b\[\?1049l[\s\S]*\u001b\[\?1049h/.test(app.raw), { what: 'away and back' })
    app.press('n')
    await app.waitFor((screen) => screen.join('\n') === gridScreen(80, 24, 1).join('\n'))
  })
})
