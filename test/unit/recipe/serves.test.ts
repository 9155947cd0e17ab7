import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { recipeByItem } from '../../../src/audit/recipes.ts'
import { auditItemIds } from '../../../src/audit/service.ts'
import { offeredFor, recipeByRule } from '../../../src/compare/findings/recipes.ts'
import type { Recipe, ServedFinding } from '../../../src/recipe/contract.ts'
import { recipeFor, servesRule } from '../../../src/recipe/serves.ts'

const folder = resolve(import.meta.dirname, '../../../recipes')
const recipes = new Map<string, Recipe>()

beforeAll(async () => {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.ts'))) {
    const { recipe } = (await import(join(folder, name))) as { recipe: Recipe }
    recipes.set(recipe.id, recipe)
  }
})

it.each([
  ['disk-bytes', 'disk-bytes', true],
  ['disk-bytes', 'disk-bytes/data', true],
  ['disk-bytes/data', 'disk-bytes', false],
  ['disk', 'disk-bytes', false],
])('a recipe for %s and a finding of %s: %s', (served, rule, isServed) => {
  expect(servesRule(served, rule)).toBe(isServed)
})

describe('the recipe for a finding', () => {
  const entry = (id: string, origin: 'kx' | 'user' | 'project', ...serves: string[]) => ({
    ...{ id, origin },
    description: { serves },
  })
  const shipped = [entry('a-first', 'kx', 'crash-mark'), entry('vram-fit', 'kx', 'crash-mark'), entry('other', 'kx')]
  const id = (all: readonly ReturnType<typeof entry>[], rule: string, recipe: string) =>
    recipeFor(all, { rule, recipe })?.id ?? null

  it('is the one that the finding names: one rule has several causes', () => {
    expect(id(shipped, 'crash-mark', 'vram-fit')).toBe('vram-fit')
    expect(id(shipped, 'crash-mark', 'other')).toBe('other')
    expect(id(shipped, 'crash-mark', '')).toBe('a-first')
    // One that waits for a provider is named and not there.
    expect(id(shipped, 'gpu-lost', 're-rent')).toBe(null)
  })

  it('is the project’s own, then the user’s, where they name the rule', () => {
    const mine = entry('mine', 'user', 'crash-mark')
    const ours = entry('ours', 'project', 'crash-mark')
    expect(id([...shipped, mine], 'crash-mark', 'vram-fit')).toBe('mine')
    expect(id([...shipped, mine, ours], 'crash-mark/u1', 'vram-fit')).toBe('ours')
    expect(id([{ ...ours, description: null as never }], 'crash-mark', '')).toBe(null)
  })
})

describe('items of the audit', () => {
  it('have these recipes, and each recipe names its items', () => {
    const served = new Map<string, string[]>()
    for (const { id, serves = [] } of recipes.values())
      for (const { rule } of serves)
        if (auditItemIds.includes(rule)) served.set(rule, [...(served.get(rule) ?? []), id].sort())
        else expect(rule.startsWith('audit.'), `${id} serves ${rule}, which is no item of the audit`).toBe(false)
    expect(Object.fromEntries([...served].sort())).toEqual({
      'audit.checkpoint-budget': ['free-disk'],
      'audit.china-mirror': ['china-mirrors'],
      'audit.cgroup-memory': ['host-memory'],
      'audit.code-drift': ['code-drift'],
      'audit.cpu-quota': ['cap-threads'],
      'audit.cuda-torch': ['cuda-check'],
      'audit.data-locality': ['stage-data', 'warm-volume'],
      'audit.disk-bytes': ['free-disk'],
      'audit.gpu-capability': ['cuda-check'],
      'audit.gpu-driver': ['cuda-check'],
      'audit.gpu-free': ['reap-vram'],
      'audit.gpu-health': ['gpu-preflight'],
      'audit.gpu-memory': ['vram-fit'],
      'audit.gpu-present': ['gpu-preflight'],
      'audit.host-identity': ['host-identity'],
      'audit.inode-budget': ['free-inodes'],
      'audit.inodes': ['free-inodes'],
      'audit.installer': ['bootstrap-uv', 'sync-environment'],
      'audit.no-silent-cpu': ['cuda-check'],
      'audit.own-interpreter': ['cuda-check', 'sync-environment'],
      'audit.reachable': ['reconnect', 'rotate-host-key'],
      'audit.shm': ['host-memory'],
      'audit.space-hogs': ['move-caches', 'rotate-logs', 'weekly-housekeeping'],
    })
    for (const [item, recipe] of Object.entries(recipeByItem)) expect(served.get(item), item).toContain(recipe)
    // What takes the room is told, and never fails.
    expect([...served.keys()].filter((item) => recipeByItem[item] === undefined)).toEqual(['audit.space-hogs'])
  })

  it.each([
    ['free-disk', 'audit.disk-bytes', { tier: 'data', path: '/data', usedFraction: 0.97 }, { folder: '/data' }],
    ['free-disk', 'audit.checkpoint-budget', { needBytes: 9, path: '/data' }, { folder: '/data' }],
    ['free-inodes', 'audit.inodes', { tier: 'data', path: '/data' }, { folder: '/data' }],
    ['stage-data', 'audit.data-locality', { path: '/mnt/x' }, { source: '/mnt/x' }],
    ['gpu-preflight', 'audit.gpu-present', { count: 1, wanted: 4 }, { cards: 4 }],
    ['rotate-host-key', 'audit.reachable', {}, { target: 'box' }],
  ])('fill %s in from the figures of %s', (id, rule, evidence, filled) => {
    const finding: ServedFinding = { host: 'box', unit: null, text: 'data /data: 97 % used', evidence }
    const served = recipes.get(id)?.serves?.find((each) => servesRule(each.rule, rule))
    expect(served?.fill?.(finding)).toEqual(filled)
  })
})

/** Recipes of the failure taxonomy (handbook monitoring 8.1), by class. `re-rent` and `abandon-start` wait for a provider. */
const taxonomy = {
  probabilistic: ['collect-evidence', 'retry-identical', 'resume'],
  capacity: ['free-disk', 'free-inodes', 'host-memory'],
  bug: [
    ...['collect-evidence', 'vram-fit', 'compare-dimensions', 'inspect-batch', 'distributed-debug'],
    ...['profile-loader', 'resume-drill'],
  ],
  environment: ['cuda-check', 'tracker-check', 'why-gone', 'reap-vram', 'cap-threads', 'code-drift', 'host-memory'],
  hardware: ['gpu-preflight'],
  billing: ['ask-person'],
  link: ['reconnect', 'host-identity'],
  observation: ['why-silent', 'profile-loader', 'noisy-neighbour'],
  clock: ['resume', 'park', 'ask-person'],
  invalid: ['parse-outputs', 'resync', 'checkpoint-generations', 'collect-evidence'],
}

it.each(Object.entries(taxonomy))('failures of class %s have recipes that name what they serve', (_class, ids) => {
  for (const id of ids) {
    expect(recipes.has(id), `there is no recipe ${id}`).toBe(true)
    expect(recipes.get(id)?.serves?.length ?? 0, `${id} serves no finding`).toBeGreaterThan(0)
  }
})

describe('what the rules on curves find', () => {
  it('names recipes that there are, with parameters that they have', () => {
    for (const [rule, id] of Object.entries(recipeByRule)) {
      const recipe = recipes.get(id)
      expect(recipe, `${rule}: ${id}`).toBeDefined()
      const offered = offeredFor({
        ...{ rule, severity: 'warning', metric: 'loss', unit: 'split-1', fromStep: 1, toStep: 2 },
        ...{ what: 'it fell', next: '' },
      })
      expect(offered?.recipe).toBe(id)
      const known = Object.keys(recipe?.parameters?.shape ?? {})
      for (const name of Object.keys(offered?.parameters ?? {})) expect(known, `${id} of ${rule}`).toContain(name)
    }
  })
})
