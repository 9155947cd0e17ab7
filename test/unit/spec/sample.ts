/** A small plan that parses; tests change single keys of it. */
export const samplePlan = `version: 1
name: sample
goal: Raise test accuracy above 0.9, from 0.63 by guessing
metrics:
  - { name: test_acc, direction: higher, chance: 0.63, target: 0.9, primary: true }
command: [node, train.mjs, '--groups={groups}', '--seed={seed}']
units:
  cpcv: { groups: 4, choose: 2 }
environment: { kind: system, interpreter: node }
data:
  - { path: data/set.csv, bytes: 20, rows: 4, source: 'https://example.org/set', licence: CC-BY-4.0 }
resources: { compute: cpu, workers: 2 }
checkpoints: { bytes: 1000, count: 2 }
artifacts:
  - { glob: 'units/*/result.json', kind: json, minimumCount: 6 }
  - { glob: 'units/*/env_fingerprint.json', kind: json, minimumCount: 6 }
abort: { nan: true, wallHours: 2 }
budget: { usd: 0, hours: 1 }
`
