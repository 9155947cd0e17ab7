import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Host } from '../../../src/host/types.ts'
import { permit, remove, verify } from '../../../src/teardown/service.ts'
import { otherMachine, planSha256, type Stage, stage } from './support.ts'

const sequences = process.env.KX_FULL ? 400 : 12

/** What may happen between plan and removal, by kx, by the box, by other people and by time. */
const steps = ['verify', 'permit', 'wrong-name', 'remove', 'late', 'write', 'damage', 'plan', 'reboot'] as const
type Step = (typeof steps)[number]

interface World {
  /** Independent of the program: what must hold for a removal to be right. */
  isVerified: boolean
  /** Whether the plan was the edited one when it was verified. */
  verifiedPlan: boolean
  permitIssuedMs: number | null
  isPlanEdited: boolean
  isRebooted: boolean
}

async function play(on: Stage, sequence: readonly Step[]): Promise<void> {
  const world: World = {
    isVerified: false,
    verifiedPlan: false,
    permitIssuedMs: null,
    isPlanEdited: false,
    isRebooted: false,
  }
  const isProven = () => world.isVerified && world.verifiedPlan === world.isPlanEdited
  const identity = await on.host.identity()
  let permitted = false
  const host: Host = {
    ...on.host,
    identity: async () => (world.isRebooted ? otherMachine(identity) : identity),
    removeTree: async (path, under) => {
      expect(permitted, `a removal that nobody allowed, after ${sequence.join(' ')}`).toBe(true)
      expect(path).toBe(on.box)
      permitted = false
      await on.host.removeTree(path, under)
    },
  }
  const ctx = () => {
    const base = on.ctx({ host })
    const plan = world.isPlanEdited ? 'e'.repeat(64) : planSha256
    return { ...base, loaded: { ...base.loaded, digests: { ...base.loaded.digests, plan } } }
  }
  let n = 0
  for (const step of sequence) {
    n += 1
    on.now.ms += 1000
    if (step === 'verify') {
      const result = await verify(ctx())
      if (result.proof !== undefined) {
        world.isVerified = result.exitCode === 0
        world.verifiedPlan = world.isPlanEdited
        world.permitIssuedMs = null
      }
    } else if (step === 'permit' || step === 'wrong-name') {
      const result = await permit(ctx(), { typedName: step === 'permit' ? on.run.id : 'local' })
      if (result.exitCode === 0) {
        expect(step).toBe('permit')
        expect(isProven(), `a permit without proof, after ${sequence.join(' ')}`).toBe(true)
        world.permitIssuedMs = on.now.ms
      }
    } else if (step === 'remove') {
      permitted = isProven() && world.permitIssuedMs !== null && on.now.ms - world.permitIssuedMs < 15 * 60_000
      const mustGo = permitted && existsSync(on.box)
      const result = await remove(ctx(), { gapMs: 0 })
      if (mustGo) expect(result.exitCode, result.summary).toBe(0)
      if (result.exitCode === 0) world.permitIssuedMs = null
      permitted = false
    } else if (step === 'late') on.now.ms += 16 * 60_000
    else if (step === 'plan') world.isPlanEdited = !world.isPlanEdited
    else if (step === 'reboot') {
      world.isRebooted = true
      world.permitIssuedMs = null
    } else if (step === 'write' && existsSync(on.box)) {
      const path = join(on.box, 'units/u1/log')
      writeFileSync(path, `line ${n}`)
      utimesSync(path, on.now.ms / 1000, on.now.ms / 1000)
      world.isVerified = false
    } else if (step === 'damage') {
      rmSync(join(on.artifacts, 'units/u2/result.json'), { force: true })
      world.isVerified = false
    }
  }
}

it(`never removes without a valid permit: ${sequences} sequences`, async () => {
  const usual: readonly Step[] = ['verify', 'permit', 'remove']
  const random = fc.array(fc.constantFrom(...steps, 'verify' as const, 'permit' as const, 'remove' as const), {
    minLength: 3,
    maxLength: 9,
  })
  const near = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(...steps)).map(([at, step]) => usual.toSpliced(at, 0, step))
  await fc.assert(
    fc.asyncProperty(fc.oneof(random, near), async (sequence) => {
      const on = await stage()
      try {
        await play(on, sequence)
      } finally {
        await on.close()
      }
    }),
    { numRuns: sequences, endOnFailure: true },
  )
}, 600_000)
