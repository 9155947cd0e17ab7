import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PlanFacts, RuleInput } from '../../../src/plan/types.ts'
import { type Profile, profileSchema } from '../../../src/profile/schema.ts'
import { parsePlan } from '../../../src/spec/parse.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import { expandUnits } from '../../../src/spec/units.ts'
import { readYaml } from '../../../src/text/yaml.ts'
import { samplePlan } from '../spec/sample.ts'

const file = resolve(import.meta.dirname, '../../../profiles/local.yaml')

/** The built-in local profile. */
export function localProfile(): Profile {
  const document = readYaml(readFileSync(file), file)
  if (!document.ok) throw new Error('local.yaml')
  return profileSchema.parse(document.value)
}

export function basePlan(change: Partial<Record<keyof Plan, unknown>> = {}): Plan {
  const parsed = parsePlan(samplePlan, 'kx.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return planSchema.parse({ ...parsed.plan, ...change })
}

export const nowMs = Date.UTC(2026, 10, 22)

/** A project in which every item that can pass passes. */
export function ruleInput(
  change: { plan?: Partial<Record<keyof Plan, unknown>>; facts?: Partial<PlanFacts> } = {},
): RuleInput {
  const plan = basePlan(change.plan)
  const facts: PlanFacts = {
    nowMs,
    profile: localProfile(),
    ownedMounts: ['/home/a/.local/share/kx/boxes', '/home/a/.local/share/kx', '/tmp', '/'],
    code: { paths: ['train.mjs', 'data/set.csv'], bytes: 400, refused: [], source: 'walk' },
    data: [{ name: 'data/set.csv', kind: 'file', bytes: 20, files: 1, sha256: 'a'.repeat(64) }],
    samples: [
      {
        name: 'data/set.csv',
        format: 'csv',
        bytes: 20,
        readBytes: 20,
        rows: 4,
        totalRows: 4,
        malformedRows: 0,
        nonFinite: 0,
        largestAbsolute: 8,
        numericColumns: 2,
        constantColumns: 0,
      },
    ],
    git: null,
    texts: new Map(),
    existing: new Set(['train.mjs']),
    configs: [],
    mentions: new Map([['KX_SEED', { path: 'train.mjs', line: 1 }]]),
    secrets: [],
    scan: { files: 2, skipped: 0 },
    earlierRuns: [{ runId: 'r1', unitCount: 2, codeSha256: 'b'.repeat(64) }],
    ...change.facts,
  }
  return { plan, units: expandUnits(plan), facts }
}
