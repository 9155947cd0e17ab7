import { describe, expect, it, vi } from 'vitest'
import { failClosedVerifier } from '../../../../src/host/ssh/known-hosts-guard.ts'
import { hostileDecisions } from '../../../hosts/ssh/hostile-decisions.ts'
import { ed25519Key } from './keys.ts'

const blob = () => Buffer.from(ed25519Key().base64, 'base64')
const ask = (verifier: ReturnType<typeof failClosedVerifier>, key: Buffer) =>
  new Promise<unknown>((resolve) => verifier(key, resolve))

describe('the guard of the host check (T1)', () => {
  it.each(Object.keys(hostileDecisions))('refuses %s', async (name) => {
    const onRefused = vi.fn()
    const decide = hostileDecisions[name] as () => boolean
    const verifier = failClosedVerifier(decide, { timeoutSeconds: 0.05, onRefused })
    expect(await ask(verifier, blob())).toBe(false)
    expect(onRefused).toHaveBeenCalledTimes(1)
  })

  it('is nothing without something that decides', () => {
    for (const nothing of [undefined, null, true, false, 'yes', {}, []])
      expect(() => failClosedVerifier(nothing as unknown as () => boolean)).toThrow(TypeError)
    for (const timeoutSeconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => failClosedVerifier(() => true, { timeoutSeconds })).toThrow(TypeError)
  })

  it('returns nothing and calls back once, with a boolean', async () => {
    const key = blob()
    const verify = vi.fn()
    expect(failClosedVerifier(() => true)(key, verify)).toBeUndefined()
    expect(verify.mock.calls).toEqual([[true]])
    let settle: (value: boolean) => void = () => undefined
    const late = failClosedVerifier(() => new Promise<boolean>((resolve) => (settle = resolve)), {
      timeoutSeconds: 0.02,
    })
    const answers: unknown[] = []
    await new Promise<void>((resolve) =>
      late(key, (isAccepted) => {
        answers.push(isAccepted)
        resolve()
      }),
    )
    settle(true)
    await Promise.resolve()
    expect(answers).toEqual([false])
  })

  it('asks once a connection: a rekey with the same key goes on, with another it ends', async () => {
    const key = blob()
    const decide = vi.fn(() => true)
    const verifier = failClosedVerifier(decide)
    expect(await ask(verifier, key)).toBe(true)
    expect(await ask(verifier, Buffer.from(key))).toBe(true)
    expect(await ask(verifier, blob())).toBe(false)
    expect(await ask(verifier, Buffer.alloc(0))).toBe(false)
    expect(decide).toHaveBeenCalledTimes(1)
  })

  it('keeps its own copy of the key, and takes no hash in its place', async () => {
    const key = blob()
    const verifier = failClosedVerifier(() => true)
    expect(await ask(verifier, key)).toBe(true)
    key.fill(0)
    expect(await ask(verifier, key)).toBe(false)
    expect(
      await ask(
        failClosedVerifier(() => true),
        'deadbeef' as unknown as Buffer,
      ),
    ).toBe(false)
  })

  it('refuses though the listener throws', async () => {
    const onRefused = () => {
      throw new Error('listener')
    }
    expect(
      await ask(
        failClosedVerifier(() => false, { onRefused }),
        blob(),
      ),
    ).toBe(false)
  })
})
