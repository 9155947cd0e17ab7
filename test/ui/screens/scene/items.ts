import type { CheckedItem, Gate, Result, Severity } from '../../../../src/walk/item.ts'

export const words: readonly (readonly [string, Result, Severity, string, string])[] = [
  ['answers', 'pass', 'error', 'The host answers', 'answers as vm'],
  ['identity', 'pass', 'error', 'It is known which machine answers', 'vm, machine 3d1219c7c4c5, boot 0f0f0f0f'],
  [
    'bytes',
    'pass',
    'error',
    'Free bytes on each tier',
    'boxes /home/ada/.local/share/kx/boxes: 79.1 GiB free of 100 GiB',
  ],
  ['room', 'unknown', 'info', 'What takes the room', 'du gave no figures'],
  ['tasks', 'fail', 'warn', 'Build, test and run are named tasks', 'no Makefile, justfile or package scripts here'],
  ['wide', 'pass', 'warn', 'Wide 日本語 names and é accents are shown whole', 'データ/学習.csv, 12 files'],
  ['gpu', 'not-applicable', 'error', 'The GPUs are free of processes of others', 'the plan asks for no GPU'],
  ['long', 'pass', 'info', `A title ${'that goes on '.repeat(8)}`.trim(), 'its evidence '.repeat(20).trim()],
]

export function itemsOf(gate: Gate, phase: string, atMs: number, worst: Result = 'pass'): CheckedItem[] {
  const first: CheckedItem = {
    id: `${phase}.first`,
    title: `What ${phase} asks first`,
    gate,
    severity: 'error',
    how: 'auto',
    result: worst,
    ...(worst === 'pass' ? {} : { reason: 'it did not say why', fix: 'Look at the output and do it again.' }),
    evidence: { summary: 'seen', command: 'uname -a', exitCode: 0, atMs, detail: ['Linux vm 6.1'] },
  }
  return [
    first,
    ...words.map(
      ([id, result, severity, title, summary]): CheckedItem => ({
        id: `${phase}.${id}`,
        title,
        gate,
        severity,
        how: id === 'tasks' ? 'both' : 'auto',
        result,
        ...(result === 'pass' ? {} : { reason: summary }),
        evidence: { summary, atMs },
      }),
    ),
  ]
}
