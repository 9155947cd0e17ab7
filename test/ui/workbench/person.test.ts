import { describe, expect, it } from 'vitest'
import type { HostKeyQuestion, LoginQuestion } from '../../../src/host/link/types.ts'
import { dialogLines } from '../../../src/ui/dialog-model.ts'
import { makeStage } from './stage.ts'

const question: LoginQuestion = {
  kind: 'passphrase',
  host: 'box',
  of: '/home/ada/.ssh/id_ed25519',
  prompt: '',
  isShown: false,
  attempt: 1,
  mostAttempts: 3,
}
const key: HostKeyQuestion = {
  host: 'box',
  hop: 'gate',
  address: 'ada@192.0.2.7:22',
  kind: 'unknown',
  keyType: 'ssh-ed25519',
  fingerprint: `SHA256:${'a'.repeat(43)}`,
  randomart: ['+--[ED25519]--+'],
  known: [],
  words: [],
}

/** The dialog on screen, seen for long enough that its keys count. */
async function seen(stage: ReturnType<typeof makeStage>) {
  await stage.press()
  stage.controller.painted()
  stage.time.monotonicMs += 1000
  const overlay = stage.controller.get().overlay
  if (overlay?.kind !== 'dialog') throw new Error('no dialog is open')
  return dialogLines(overlay.state, 80).join('\n')
}

describe('the person at the workbench', () => {
  it('types a passphrase that nobody sees, with the key it is for', async () => {
    const stage = makeStage()
    const answer = stage.controller.person.askLogin(question, new AbortController().signal)
    const text = await seen(stage)
    expect(text).toContain('Passphrase of a key for box')
    expect(text).toContain('/home/ada/.ssh/id_ed25519')
    await stage.press('"open"')
    expect(JSON.stringify(stage.remembered)).not.toContain('open')
    stage.controller.onPaste(' sesame\n')
    await stage.press('enter')
    expect(await answer).toBe('open sesame')
    expect(stage.controller.get().overlay).toBeNull()
  })

  it('is told which attempt it is, cannot answer with nothing, and gives up with Esc', async () => {
    const stage = makeStage()
    const answer = stage.controller.person.askLogin({ ...question, attempt: 2 }, new AbortController().signal)
    expect(await seen(stage)).toContain('Attempt 2 of 3')
    await stage.press('enter')
    expect(await seen(stage)).toContain('nothing was typed')
    await stage.press('esc')
    expect(await answer).toBeNull()
  })

  it('is shown a host key with where it comes from; Enter alone refuses it', async () => {
    const stage = makeStage()
    const first = stage.controller.person.confirmHostKey(key, new AbortController().signal)
    const text = await seen(stage)
    for (const part of ['host key of gate', 'ada@192.0.2.7:22', 'on the way to box', key.fingerprint, '+--[ED25519]'])
      expect(text).toContain(part)
    await stage.press('enter')
    expect(await first).toBe(false)
    const second = stage.controller.person.confirmHostKey(key, new AbortController().signal)
    await seen(stage)
    await stage.press('y', 'enter')
    expect(await second).toBe(true)
  })

  it('is asked one thing after the other, and no longer what nobody waits for', async () => {
    const stage = makeStage()
    const gone = new AbortController()
    const first = stage.controller.person.askLogin(question, new AbortController().signal)
    const second = stage.controller.person.askLogin({ ...question, of: 'second' }, gone.signal)
    const third = stage.controller.person.askLogin({ ...question, of: 'third' }, new AbortController().signal)
    expect(await seen(stage)).toContain('id_ed25519')
    gone.abort()
    expect(await second).toBeNull()
    await stage.press('a', 'enter')
    expect(await first).toBe('a')
    expect(await seen(stage)).toContain('third')
    stage.controller.close()
    expect(await third).toBeNull()
  })
})
