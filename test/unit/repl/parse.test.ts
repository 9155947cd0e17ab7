import { describe, expect, it } from 'vitest'
import { isUnfinished } from '../../../src/repl/parse.ts'
import { corpus } from './corpus.ts'

describe('whether Enter ends an entry', () => {
  it('is found out without a worker, as the worker would', () => {
    const typed = /Array<|enumx/
    const wrong = corpus.filter(
      ([source, outcome]) => !typed.test(source) && isUnfinished(source) !== (outcome === 'incomplete'),
    )
    expect(wrong).toEqual([])
  })
})
