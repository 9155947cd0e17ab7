import { describe, expect, it } from 'vitest'
import { isWithheld, withoutVariables } from '../../../src/host/unit-environment.ts'

const rule = { named: ['GIVEN_TOKEN'], holdsSecret: (text: string) => text.includes('s3cret-value') }

describe('what a unit is not handed', () => {
  it.each([
    ['HF_TOKEN', 'x'],
    ['PGPASSWORD', ''],
    ['KX_PROJECT', '/p'],
    ['SSH_AUTH_SOCK', '/run/agent'],
    ['HTTPS_PROXY', 'http://me:s3cret@proxy:3128'],
    ['NOTE', 'the s3cret-value itself'],
  ])('%s=%s', (name, value) => expect(isWithheld(name, value, rule)).toBe(true))

  it.each([
    ['GIVEN_TOKEN', 's3cret-value'],
    // A program without these finds nothing, and a home folder may be called like anything.
    ['HOME', '/home/s3cret-value'],
    ['PATH', '/home/me/secrets:/usr/bin'],
    ['XDG_CACHE_HOME', '/s3cret-value'],
    ['HTTPS_PROXY', 'http://proxy:3128'],
    ['MODULEPATH', '/apps/secret:/apps/tokens'],
    ['SLURM_JOB_ID', '123456'],
    ['TOKENIZERS_PARALLELISM', 'false'],
  ])('but is handed %s=%s', (name, value) => expect(isWithheld(name, value, rule)).toBe(false))

  it('leaves the argument vector alone when there is nothing to take away', () => {
    expect(withoutVariables([], ['sh', '-s'])).toEqual(['sh', '-s'])
    expect(withoutVariables(['A', 'b.c'], ['sh', '-s'])).toEqual(['env', '-u', 'A', '-u', 'b.c', 'sh', '-s'])
  })
})
