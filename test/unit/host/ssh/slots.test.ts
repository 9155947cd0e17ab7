import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Slots } from '../../../../src/host/ssh/slots.ts'

const never = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('turns at channels', () => {
  it('never are more than the limit, and come in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom('take', 'end', 'end'), { maxLength: 60 }),
        async (limit, steps) => {
          const slots = new Slots(limit)
          const held: (() => void)[] = []
          const order: number[] = []
          let asked = 0
          for (const step of steps) {
            if (step === 'take') {
              const mine = asked
              asked += 1
              void slots.take(never).then((done) => {
                order.push(mine)
                held.push(done)
              })
            } else held.shift()?.()
            await settled()
            expect(held.length).toBe(slots.taken)
            expect(slots.taken).toBeLessThanOrEqual(limit)
            expect(slots.waiting === 0 || slots.taken === limit).toBe(true)
          }
          expect(order).toEqual(order.map((_, n) => n))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('let who kills go first, and are given back once', async () => {
    const slots = new Slots(1)
    const done = await slots.take(never)
    const order: string[] = []
    void slots.take(never).then((end) => {
      order.push('usual')
      end()
    })
    void slots.take(never, true).then((end) => {
      order.push('urgent')
      end()
      end()
    })
    done()
    done()
    await settled()
    expect([order, slots.taken]).toEqual([['urgent', 'usual'], 0])
  })

  it('are left by who gives up, and by all when the connection ends', async () => {
    const slots = new Slots(1)
    await slots.take(never)
    const giveUp = new AbortController()
    const one = slots.take(giveUp.signal)
    const two = slots.take(never)
    giveUp.abort(new Error('no more'))
    await expect(one).rejects.toThrow('no more')
    expect(slots.waiting).toBe(1)
    slots.fail(new Error('lost'))
    await expect(two).rejects.toThrow('lost')
    await expect(slots.take(never)).rejects.toThrow('lost')
  })

  it('become fewer, but never none', async () => {
    const slots = new Slots(8)
    const first = await slots.take(never)
    const second = await slots.take(never)
    slots.lower(1)
    slots.lower(0)
    slots.lower(5)
    expect(slots.limit).toBe(1)
    let got = false
    void slots.take(never).then(() => {
      got = true
    })
    first()
    await settled()
    expect(got).toBe(false)
    second()
    await settled()
    expect(got).toBe(true)
  })
})
