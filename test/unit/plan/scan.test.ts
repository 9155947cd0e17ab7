import { describe, expect, it } from 'vitest'
import { sampleData } from '../../../src/plan/data-sample.ts'
import { scanForSecrets } from '../../../src/plan/rules/secret-scan.ts'
import { looseLines } from '../../../src/spec/pins.ts'

const glue = (...parts: string[]) => parts.join('')

describe('looseLines', () => {
  const exact = [
    'numpy==2.3.1',
    'torch[extra]==2.9.0+cu128 ; python_version >= "3.11"',
    `a==1.0 --hash=sha256:${'a'.repeat(64)}`,
    'b==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11',
    `c @ git+https://example.org/c.git@${'0'.repeat(40)}`,
    `d @ https://example.org/d.whl#sha256=${'a'.repeat(64)}`,
    '-e .',
    './vendored',
    '# a comment',
    '--index-url https://example.org/simple',
    'e==1.0 # why',
    '',
  ]
  it.each(exact)('takes %j as exact', (line) => {
    expect(looseLines('requirements.txt', line)).toEqual([])
  })
  const loose = [
    'numpy',
    'numpy>=2',
    'numpy==2.*',
    'numpy~=2.0',
    '-r more.txt',
    'c @ git+https://example.org/c.git@main',
    'd @ https://example.org/d.whl',
  ]
  it.each(loose)('takes %j as open', (line) => {
    expect(looseLines('requirements.txt', `a==1\n${line}\n`)).toEqual([{ line: 2, text: line }])
  })
  it('trusts lock files by their form, unless they are empty', () => {
    expect(looseLines('uv.lock', 'version = 1')).toEqual([])
    expect(looseLines('uv.lock', ' \n')).toHaveLength(1)
  })
})

describe('scanForSecrets', () => {
  // Put together here, so that no credential form stands in this file.
  const found = [
    glue('AKIA', 'QWERTYUIOPASDFGH'),
    glue('ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'),
    glue('hf_', 'abcdefghijklmnopqrstuvwxyzABCDEF'),
    glue('-----BEGIN RSA ', 'PRIVATE KEY-----'),
    glue('api_key', ' = "q8Zt4LmN0xYv7Rc2Wd5Kj9Hf"'),
    glue('url: postgres://me:', 'hunter2hunter2@db/x'),
  ]
  it.each(found)('sees line %#', (line) => {
    const hits = scanForSecrets(`first\n${line}\n`)
    expect(hits).toMatchObject([{ line: 2 }])
    expect(JSON.stringify(hits)).not.toContain(line.slice(-12))
  })
  it.each([
    'api_key = os.environ["API_KEY_FOR_SERVICE_2"]',
    'password: your-password-here-1234567',
    'token = "aaaaaaaaaaaaaaaaaaaaaaaaaaa1"',
    'sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    'git clone https://example.org/a/b',
    'secrets: [HF_TOKEN]',
  ])('leaves %j alone', (line) => {
    expect(scanForSecrets(line)).toEqual([])
  })
})

describe('sampleData', () => {
  const whole = (text: string) => [{ text, isStart: true, isEnd: true }]
  const csv = (text: string) => sampleData('x.csv', 'csv', text.length, whole(text))

  it('counts rows, columns and what does not fit', () => {
    expect(csv('a,b,c\n1,2,"x,y"\n3,2,z\n\n')).toMatchObject({
      rows: 2,
      totalRows: 2,
      malformedRows: 0,
      numericColumns: 2,
      constantColumns: 1,
      largestAbsolute: 3,
      nonFinite: 0,
    })
    expect(csv('1,2\n3\n')).toMatchObject({ rows: 2, malformedRows: 1 })
    expect(csv('a\nnan\n-Infinity\n1\n')).toMatchObject({ rows: 3, nonFinite: 2 })
    expect(csv('a;b\n1;2\n').numericColumns).toBe(2)
  })
  it('leaves cut lines out and says how much was read', () => {
    const got = sampleData('x.csv', 'csv', 1000, [
      { text: 'a,b\n1,2\n3,', isStart: true, isEnd: false },
      { text: '9\n5,6\n7,', isStart: false, isEnd: false },
      { text: '1,1\n8,9\n', isStart: false, isEnd: true },
    ])
    expect(got).toMatchObject({ rows: 3, malformedRows: 0, totalRows: null, readBytes: 26 })
  })
  it('reads JSON and JSONL, and knows NaN as Python writes it', () => {
    const lines = '{"a":1}\n{"a":NaN}\n{"a":\n'
    expect(sampleData('x.jsonl', 'jsonl', lines.length, whole(lines))).toMatchObject({
      rows: 3,
      nonFinite: 1,
      malformedRows: 1,
    })
    const json = '[{"a":1},{"a":2}]'
    expect(sampleData('x.json', 'json', json.length, whole(json))).toMatchObject({ rows: 2, numericColumns: 1 })
  })
})
