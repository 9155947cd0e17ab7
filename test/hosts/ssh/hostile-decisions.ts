/** Things a host check may do that are not "yes". Each must refuse; without a guard ssh2 takes most of them for consent. */

class Deceiver extends Promise<unknown> {
  // biome-ignore lint/suspicious/noThenProperty: that is the trick
  override then(yes?: ((value: never) => unknown) | null): Promise<never> {
    yes?.(true as never)
    return this as unknown as Promise<never>
  }
}

const never = (): Promise<never> => new Promise<never>(() => undefined)
const thenable = (then: unknown) => ({ then })
const throwing = (value: unknown) => () => {
  throw value
}
type Verify = (isAccepted: unknown) => void

export const hostileDecisions: Readonly<Record<string, (...args: never[]) => unknown>> = {
  false: () => false,
  undefined: () => undefined,
  null: () => null,
  zero: () => 0,
  'minus zero': () => -0,
  one: () => 1,
  NaN: () => Number.NaN,
  'a big one': () => 1n,
  'an empty text': () => '',
  'the text true': () => 'true',
  'the text false': () => 'false',
  'a symbol': () => Symbol('true'),
  'an object': () => ({}),
  'a list': () => [true],
  'a boxed true': () => Object(true),
  'a boxed false': () => Object(false),
  'an error': () => new Error('no'),
  'a function': () => () => true,
  'a thing that is true as a primitive': () => ({ valueOf: () => true, [Symbol.toPrimitive]: () => true }),
  'a proxy that answers everything': () => new Proxy(() => true, { get: () => () => true }),
  'an iterator': function* () {
    yield true
  },
  'an async iterator': async function* () {
    yield true
  },
  'a thrown error': throwing(new Error('no')),
  'a thrown true': throwing(true),
  'a thrown undefined': throwing(undefined),
  'a promise of false': async () => false,
  'a promise of null': async () => null,
  'a promise of one': async () => 1,
  'a promise of a boxed true': async () => Object(true),
  'a promise of a promise of false': async () => Promise.resolve(false),
  'a rejection': async () => Promise.reject(new Error('no')),
  'a rejection with true': async () => Promise.reject(true),
  'a promise that never settles': never,
  'a thenable that says true': () => thenable((yes: (v: boolean) => void) => yes(true)),
  'a thenable that throws': () => thenable(throwing(new Error('no'))),
  'a thenable without a function': () => thenable(true),
  'a promise with a replaced then': () => new Deceiver((resolve) => resolve(false)),
  'a proxy of a promise of true': () => new Proxy(Promise.resolve(true), {}),
  'a throw a little later': async () => {
    await Promise.resolve()
    throw new Error('no')
  },
  'a callback with true, as ssh2 takes it': ((_key: unknown, verify: Verify | undefined) => {
    verify?.(true)
  }) as () => unknown,
  'a callback with null': ((_key: unknown, verify: Verify | undefined) => {
    verify?.(null)
    return 'asynchronous'
  }) as () => unknown,
  'a class': class {} as unknown as () => unknown,
}
