import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../src/secret/registry.ts'
import { encodingKinds, encodingsOf } from '../../../src/text/encodings.ts'
import { isSecretName } from '../../../src/text/patterns.ts'
import { createRedactor, redactText, redactValue } from '../../../src/text/redact.ts'

const canaries = [
  'correct-horse-battery',
  'S3cr3t!"$&\'()*',
  'p@ss word with blanks',
  'tab\tinside-it',
  'quote\'s & <tags> "all"',
  'back\\slash\\es',
  'ünïcödé-日本-🔑',
  'a+b/c=d==',
  '%41%42 percent',
  '$(whoami)`id`',
  '"wrapped in quotes"',
  "'single wrapped'",
  'aaaaaaaaaaaa',
  'abababababab',
  '123456',
  'line one of a key\nline two of a key\nthird line',
  'x'.repeat(64),
  'Zm9vYmFyYmF6cXV4',
  '0f1e2d3c4b5a69788796',
  '~!@#^*_+-=[]{}|;:,./?',
]

const registryOf = (values: readonly string[]) => {
  const registry = createRegistry()
  for (const [n, value] of values.entries()) registry.add(`CANARY_${n}`, value, 'test')
  return registry
}
const secrets = registryOf(canaries)

function inPieces(text: string, cuts: readonly number[], set = secrets): string {
  const redactor = createRedactor(set)
  const edges = [0, ...cuts, text.length]
  let out = ''
  for (let i = 1; i < edges.length; i++) out += redactor.push(text.slice(edges[i - 1], edges[i]))
  return out + redactor.end()
}

describe('masking by value', () => {
  it('knows twelve encodings', () => {
    expect(encodingKinds.length).toBe(12)
    const kinds = new Set(canaries.flatMap((c) => encodingsOf(c).map((e) => e.kind)))
    expect([...kinds].sort()).toEqual([...encodingKinds].sort())
  })

  it('leaves no canary in any encoding, cut at every border', () => {
    let texts = 0
    for (const canary of canaries)
      for (const { text: form } of encodingsOf(canary)) {
        const text = `log: <${form}> done\n`
        const whole = redactText(text, secrets)
        expect(whole.text.includes(form), form).toBe(false)
        expect(whole.count).toBeGreaterThan(0)
        for (let at = 1; at < text.length; at++) expect(inPieces(text, [at])).toBe(whole.text)
        expect(
          inPieces(
            text,
            [...text].map((_, n) => n),
          ),
        ).toBe(whole.text)
        texts++
      }
    expect(texts).toBeGreaterThanOrEqual(20 * 6)
  })

  it('finds a value inside a longer base64 text at any alignment', () => {
    for (const canary of canaries)
      for (const prefix of ['', 'a', 'ab', 'abc', 'user:']) {
        const encoded = Buffer.from(`${prefix}${canary}:tail`).toString('base64')
        const out = redactText(`header ${encoded}\n`, secrets).text
        for (const { kind, text } of encodingsOf(canary)) if (kind.startsWith('base64')) expect(out).not.toContain(text)
        expect(out).toContain('***')
      }
  })

  it('does not let a partial beginning through early, and lets it go when it was none', () => {
    const redactor = createRedactor(registryOf(['hunter22']))
    expect(redactor.push('x hunt')).toBe('')
    expect(redactor.push('ing\n')).toBe('x hunting\n')
    expect(redactor.push('hunter2')).toBe('')
    expect(redactor.push('2\n')).toBe('***\n')
    expect(redactor.count).toBe(1)
  })

  it('merges what overlaps', () => {
    expect(redactText('abcdefghijkl', registryOf(['abcdefgh', 'efghijkl'])).text).toBe('***')
    expect(redactText('aaaaaaaaaaaaaaaaaaaa\n', registryOf(['aaaaaa'])).text).toBe('***\n')
  })

  it('masks each line of a value that has several', () => {
    expect(redactText('> line two of a key\n', secrets).text).toBe('> ***\n')
  })

  it('is the same for any split, and keeps everything else', () => {
    const word = fc.oneof(
      fc.constantFrom(...canaries.flatMap((c) => encodingsOf(c).map((e) => e.text))),
      fc.string({ maxLength: 8 }),
      fc.constantFrom('\n', ' ', 'password=', 'x'),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 6 }), (words, cuts) => {
        const text = words.join('')
        const inside = cuts.filter((c) => c < text.length).sort((a, b) => a - b)
        expect(inPieces(text, inside)).toBe(redactText(text, secrets).text)
      }),
      { numRuns: process.env.KX_FULL === '1' ? 20_000 : 1000 },
    )
  })

  it('learns a value that is added while the stream runs', () => {
    const registry = createRegistry()
    const redactor = createRedactor(registry)
    expect(redactor.push('late-secret\n')).toBe('late-secret\n')
    registry.add('LATE', 'late-secret', 'test')
    expect(redactor.push('late-secret\n')).toBe('***\n')
  })
})

const join = (...parts: readonly string[]) => parts.join('')
describe('masking by pattern and name', () => {
  it.each([
    [join('key AKIA', 'IOSFODNN7EXAMPLE end'), 'key *** end'],
    [join('ghp_', 'abcdefghijklmnopqrstuvwxyz0123456789'), '***'],
    [join('hf_', 'abcdefghijklmnopqrstuvwxyzABCDEFGH'), '***'],
    [join('sk-', 'ant-api03-abcdefghijklmnop'), '***'],
    [join('eyJhbGciOiJIUzI1NiJ9.', 'eyJzdWIiOiIxMjM0In0.', 'abcdefghijk'), '***'],
    ['https://user:hunter2@example.org/x', 'https://user:***@example.org/x'],
    ['Authorization: Bearer abc.def.ghi', 'Authorization: Bearer ***'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic ***'],
    ['curl -H "Authorization: token abcdef123456"', 'curl -H "Authorization: token ***"'],
    ['PASSWORD=hunter2 make', 'PASSWORD=*** make'],
    ['export WANDB_API_KEY="0123456789abcdef"', 'export WANDB_API_KEY="***"'],
    ['"db_password": "a b c"', '"db_password": "***"'],
    ["passwd: 'x y'", "passwd: '***'"],
    ['train --token abc123def --epochs 3', 'train --token *** --epochs 3'],
    ['--password hunter2', '--password ***'],
    [
      'https://b.s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef&x=1',
      'https://b.s3.amazonaws.com/k?X-Amz-Signature=***&x=1',
    ],
    ['machine api.wandb.ai login user password 0123456789', 'machine api.wandb.ai login user password ***'],
    ['Set-Cookie: session=abcdef; Path=/', 'Set-Cookie: ***'],
    ['my_token = abcdef0123456789abcdef', 'my_token = ***'],
  ])('%s', (text, masked) => {
    expect(redactText(text, null)).toEqual({ text: masked, count: 1 })
  })

  it.each([
    'tokens: 4096 max_tokens=512 num_tokens = 100',
    'tokenizer: bert-base-uncased',
    'eos_token: </s> pad_token=<pad>',
    'token: hello',
    'password: ***',
    'api_key=$WANDB_API_KEY',
    'secret: null',
    'epoch 3 loss 0.1234 acc 0.98',
    'https://example.org:8080/a@b',
    'sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'task-sk-learn',
    'git@github.com:org/repo.git',
  ])('leaves %s alone', (text) => {
    expect(redactText(text, null)).toEqual({ text, count: 0 })
  })

  it('hides a private key over its lines, once', () => {
    const key = join(
      '-----BEGIN OPENSSH ',
      'PRIVATE KEY-----\n',
      'b3BlbnNzaC1rZXktdjEAAAAA\nAAAAbm9uZQ\n',
      '-----END OPENSSH ',
      'PRIVATE KEY-----\n',
    )
    expect(redactText(`before\n${key}after\n`, null)).toEqual({ text: 'before\n***\nafter\n', count: 1 })
    const text = `before\n${key}after\n`
    for (let at = 1; at < text.length; at++) expect(inPieces(text, [at])).toBe('before\n***\nafter\n')
  })

  it('works through a line that never ends, in bounded memory and without a gap', () => {
    const filler = 'word '.repeat(20_000)
    const text = `${filler}PASSWORD=hunter2hunter2 ${filler}`
    const out = redactText(text, null)
    expect(out).toEqual({ text: `${filler}PASSWORD=*** ${filler}`, count: 1 })
    for (let shift = 0; shift < 40; shift++) {
      const near = `${'x '.repeat(32_768 - shift)}PASSWORD=hunter2hunter2 ${filler}`
      expect(redactText(near, null).text.includes('hunter2'), String(shift)).toBe(false)
      expect(inPieces(near, [60_000, 65_530, 65_536, 65_540, 70_000])).toBe(redactText(near, secrets).text)
    }
  })

  it('is linear: hostile lines cost little of a core', () => {
    const lines = [
      'eyJ'.repeat(21_000),
      'secret'.repeat(11_000),
      '-'.repeat(65_000),
      'token='.repeat(11_000),
      '://'.repeat(21_000),
      '://a:'.repeat(13_000),
    ].concat([
      'sk-'.repeat(21_000),
      '"'.repeat(65_000),
      'password '.repeat(7_000),
      '-----BEGIN '.repeat(6000),
      '1234567890:AA'.repeat(5000),
      'a'.repeat(65_000),
    ])
    for (const line of lines) {
      const before = process.threadCpuUsage()
      redactText(`${line}\n`, null)
      const used = process.threadCpuUsage(before)
      expect((used.user + used.system) / 1000, line.slice(0, 20)).toBeLessThan(250)
    }
  })
})

describe('masking a structure', () => {
  it('masks under telling names and by value, keys too', () => {
    const done = redactValue(
      {
        a: 1,
        password: 'x',
        nested: { api_key: ['k1', 2], note: 'has hunter22 inside', hunter22: true },
        secrets: ['WANDB_API_KEY'],
      },
      registryOf(['hunter22']),
    )
    expect(done.value).toEqual({
      a: 1,
      password: '***',
      nested: { api_key: ['***', '***'], note: 'has *** inside', '***': true },
      secrets: ['WANDB_API_KEY'],
    })
    expect(done.count).toBe(4)
  })

  it('survives hostile depth', () => {
    let deep: unknown = 'hunter22'
    for (let i = 0; i < 10_000; i++) deep = [deep]
    expect(JSON.stringify(redactValue(deep, registryOf(['hunter22'])).value)).not.toContain('hunter22')
  })

  it.each([
    ['WANDB_API_KEY', true],
    ['HF_TOKEN', true],
    ['githubToken', true],
    ['PGPASSWORD', true],
    ['client_secret', true],
    ['max_tokens', false],
    ['PWD', false],
    ['OLDPWD', false],
    ['DB_PWD', true],
    ['tokenizer', false],
    ['secrets', false],
    ['PASSWORD_FILE', false],
    ['path', false],
  ])('name %s', (name, secret) => expect(isSecretName(name)).toBe(secret))
})
