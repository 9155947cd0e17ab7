import { expect, it } from 'vitest'
import { together } from '../../../src/commands/hosts.ts'
import type { ActResult } from '../../../src/run/act.ts'

const result = (summary: string, exitCode: ActResult['exitCode'], lines: readonly string[] = []): ActResult => ({
  summary,
  exitCode,
  data: null,
  lines,
})

it('hosts that say the same say it once, and the code is that of the worst', () => {
  const answer = together([
    { host: 'a', result: result('audit of a: 1 item blocks: disk', 1, ['free some room']) },
    { host: 'b', result: result('audit of b: nothing blocks', 0) },
    { host: 'c', result: result('audit of c: 1 item blocks: disk', 1, ['free some room']) },
    { host: 'd', result: result('no answer within 3 s', 4) },
  ])
  expect(answer).toMatchObject({ exitCode: 4, summary: '1 of 4 hosts well; not a, c, d' })
  expect(answer.lines).toEqual([
    'a, c: 1 item blocks: disk',
    '  free some room',
    'b: nothing blocks',
    'd: no answer within 3 s',
  ])
})

it('one host alone keeps its words', () => {
  expect(together([{ host: 'a', result: result('launched', 0) }]).summary).toBe('a: launched')
})
