import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry } from '../../../src/secret/registry.ts'
import { collectSecrets, credentialFilesStamp } from '../../../src/secret/sources.ts'
import { redactText } from '../../../src/text/redact.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'kx-secret-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const put = async (path: string, text: string) => {
  await mkdir(dirname(join(home, path)), { recursive: true })
  await writeFile(join(home, path), text)
}

describe('registry', () => {
  it('never shows a value by itself', () => {
    const registry = createRegistry()
    registry.add('NAME', 'the-value-itself', 'environment')
    expect(inspect(registry, { depth: 9 }) + JSON.stringify(registry)).not.toContain('the-value-itself')
    expect(registry.entries).toEqual([{ name: 'NAME', source: 'environment', isMasked: true }])
    expect(registry.valueOf('NAME')).toBe('the-value-itself')
  })

  it('says when a value is too short to be masked', () => {
    expect(createRegistry().add('NAME', 'abc', 'environment')).toBe(false)
  })

  it('keeps masking a value that was replaced', () => {
    const registry = createRegistry()
    registry.add('NAME', 'first-value', 'a')
    registry.add('NAME', 'second-value', 'a')
    expect(registry.valueOf('NAME')).toBe('second-value')
    expect(redactText('first-value second-value', registry).text).toBe('*** ***')
  })

  it('masks a value of many thousand characters', () => {
    const registry = createRegistry()
    const long = Array.from({ length: 6000 }, (_, n) => String.fromCharCode(97 + ((n * 7) % 26))).join('')
    registry.add('LONG', long, 'a')
    expect(redactText(`<${long}>`, registry).text).toBe('<***>')
  })
})

describe('sources', () => {
  it('reads names of the plan and telling names from the environment', async () => {
    const registry = createRegistry()
    const env = {
      DATA_SALT: 'plain-looking-value',
      MY_TOKEN: 'token-value-1',
      SHORT: 'ab',
      PATH: '/usr/bin',
      EMPTY: '',
    }
    const report = await collectSecrets(registry, { names: ['DATA_SALT', 'SHORT', 'EMPTY', 'ABSENT'], env, home })
    expect(report).toEqual({ missing: ['EMPTY', 'ABSENT'], tooShort: ['SHORT'], files: [] })
    expect(redactText('plain-looking-value token-value-1 /usr/bin', registry).text).toBe('*** *** /usr/bin')
  })

  it('does not take a folder for a secret, whatever its variable is called', async () => {
    const registry = createRegistry()
    await collectSecrets(registry, { env: { PWD: '/some/work-folder', OLDPWD: home, APP_CREDENTIALS: home }, home })
    expect(redactText(`/some/work-folder ${home}`, registry).count).toBe(0)
  })

  it.each([
    ['.aws/credentials', '[default]\naws_access_key_id = NOTAREALKEYID123\naws_secret_access_key = CANARY/value+1\n'],
    ['.cache/huggingface/token', 'CANARY/value+1\n'],
    ['.config/gh/hosts.yml', 'github.com:\n    user: me\n    oauth_token: CANARY/value+1\n'],
    ['.docker/config.json', '{"auths":{"r.example":{"auth":"CANARY/value+1"}}}'],
    ['.git-credentials', 'https://me:CANARY/value+1@git.example\n'],
    ['.kaggle/kaggle.json', '{"username":"me","key":"CANARY/value+1"}'],
    ['.kube/config', 'users:\n- name: x\n  user:\n    token: CANARY/value+1\n'],
    ['.netrc', 'machine api.wandb.ai\n  login user\n  password CANARY/value+1\n'],
    ['.npmrc', '//registry.example/:_authToken=CANARY/value+1\n'],
    ['.runpod/config.toml', 'apikey = "CANARY/value+1"\n'],
  ])('reads %s', async (path, text) => {
    await put(path, text)
    const registry = createRegistry()
    const report = await collectSecrets(registry, { env: {}, home })
    expect(report.files).toEqual([`~/${path}`])
    expect(redactText('seen CANARY/value+1 here', registry).text).toBe('seen *** here')
  })

  it('passes over files that are broken or far too long', async () => {
    await put('.kaggle/kaggle.json', '{"key": ')
    await put('.cache/huggingface/token', 'x'.repeat(300_000))
    await mkdir(join(home, '.netrc'))
    const registry = createRegistry()
    expect(await collectSecrets(registry, { env: {}, home })).toEqual({ missing: [], tooShort: [], files: [] })
    expect(registry.needles()).toEqual([])
  })
})

it('has another stamp of the credential files when one was written, and only then', async () => {
  const none = credentialFilesStamp(home)
  expect(credentialFilesStamp(home)).toBe(none)
  await writeFile(join(home, '.netrc'), 'machine a password abcdefghij\n')
  const one = credentialFilesStamp(home)
  expect(one).not.toBe(none)
  await writeFile(join(home, '.netrc'), 'machine a password abcdefghijk\n')
  expect(credentialFilesStamp(home)).not.toBe(one)
})

describe('names of values in a text', () => {
  const registry = createRegistry()
  registry.add('LONG', 'a-long-value-0123456789', 'environment')
  registry.add('SHORT', 'abc-12', 'environment')
  registry.add('OFF', 'disabled', 'environment')

  it('finds a value in any encoding, a short one only as a word of its own, a plain word never', () => {
    const base64 = Buffer.from('user:a-long-value-0123456789').toString('base64')
    expect(registry.namesIn(`x${base64}y`)).toEqual(['LONG'])
    expect(registry.namesIn('(abc-12) and xa-long-value-0123456789x')).toEqual(['LONG', 'SHORT'])
    expect(registry.namesIn('xabc-12 abc-123 disabled')).toEqual([])
  })

  it('still knows a value that was replaced, under its name', () => {
    const replaced = createRegistry()
    replaced.add('NAME', 'first-value-1', 'a')
    replaced.add('NAME', 'second-value-2', 'a')
    expect(replaced.namesIn('first-value-1')).toEqual(['NAME'])
    expect(replaced.namesIn('second-value-2')).toEqual(['NAME'])
  })
})
