/**
 * Xoshiro128++ (Blackman and Vigna, 2019), seeded by SplitMix32: the same seed gives the same figures on every machine, so
 * that a report can be made again.
 */
export function seededRandom(seed: number): () => number {
  let mix = seed >>> 0
  const next = () => {
    mix = (mix + 0x9e37_79b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let [a, b, c, d] = [next(), next(), next(), next()]
  const turn = (x: number, by: number) => (x << by) | (x >>> (32 - by))
  return () => {
    const result = (turn((a + d) | 0, 7) + a) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = turn(d, 11)
    return result / 4_294_967_296
  }
}
