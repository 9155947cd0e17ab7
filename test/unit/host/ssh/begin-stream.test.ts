import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BeginStream } from '../../../../src/host/ssh/begin-stream.ts'

const mark = `kx-${'a1'.repeat(18)}`
const bytes = fc.uint8Array({ maxLength: 2000 }).map((each) => Buffer.from(each))

describe('the begin of an output', () => {
  it('is found in any noise and any chunks, and nothing behind it is lost or held back', () => {
    fc.assert(
      fc.property(
        fc.oneof(bytes, fc.constantFrom(Buffer.from(`${mark} begi`), Buffer.from('\n'), Buffer.alloc(9000, 97))),
        bytes,
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
        (noise, payload, sizes) => {
          const whole = Buffer.concat([noise, Buffer.from(`\n${mark} begin 12 34 56 boot\n`), payload])
          const got: Buffer[] = []
          const stream = new BeginStream(mark, (chunk) => got.push(Buffer.from(chunk)))
          for (let at = 0, n = 0; at < whole.byteLength; n += 1) {
            const size = sizes[n % sizes.length] as number
            stream.take(whole.subarray(at, at + size))
            at += size
          }
          expect(stream.begun).toEqual(['12', '34', '56', 'boot'])
          expect(Buffer.concat(got).equals(payload)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps a little of the noise when it never comes', () => {
    const stream = new BeginStream(mark, () => expect.unreachable())
    stream.take(Buffer.from('This account is closed.\n'))
    for (let n = 0; n < 1000; n += 1) stream.take(Buffer.alloc(1000, 120))
    stream.flush()
    expect([stream.begun, stream.noise().length]).toEqual([null, 4096])
    expect(stream.noise()).toMatch(/^This account is closed\.\nxxx/)
  })
})
