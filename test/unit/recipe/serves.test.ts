import { expect, it } from 'vitest'
import { servesRule } from '../../../src/recipe/serves.ts'

it.each([
  ['disk-bytes', 'disk-bytes', true],
  ['disk-bytes', 'disk-bytes/data', true],
  ['disk-bytes/data', 'disk-bytes', false],
  ['disk', 'disk-bytes', false],
])('a recipe for %s and a finding of %s: %s', (served, rule, isServed) => {
  expect(servesRule(served, rule)).toBe(isServed)
})
