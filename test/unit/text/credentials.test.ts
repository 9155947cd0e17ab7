import { describe, expect, it } from 'vitest'
import { credentialsIn } from '../../../src/text/patterns.ts'

const kinds = (text: string) => credentialsIn(text).map(({ kind }) => kind)

describe('credentials by their form', () => {
  it.each([
    ['aws-key-id', 'AKIAIOSFODNN7EXAMPLE'],
    ['github', 'ghp_0123456789abcdefghijABCDEFGHIJ456789'],
    ['hugging-face', `hf_${'aB3'.repeat(12)}`],
    ['llm-key', 'sk-proj-aB3dE5fG7hI9jK1lM3nO5'],
    ['address-password', 'postgres://me:hunter22@db/x'],
    ['signed-address', 'https://b/x?X-Amz-Signature=0123456789abcdef'],
    ['private-key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('knows a %s', (kind, text) => {
    const found = credentialsIn(`# note\nvalue: ${text}\n`)
    expect(found.map((each) => each.kind)).toContain(kind)
    expect(found[0]?.start).toBeGreaterThan(7)
  })

  it.each([
    'name: sk-learn-logistic-regression-baseline-2024',
    'command: [python, train.py, --token, "{seed}", --password=prompt]',
    'uri: https://$USER:$PASSWORD@host/x',
    'uri: https://{user}:{password}@host/x',
    'LD_LIBRARY_PATH=/opt/secret:/opt/token=abcdef',
    'Authorization: Bearer is told at run time',
    'path: /home/me/api-keys:/usr/bin',
  ])('leaves alone: %s', (text) => {
    expect(kinds(text)).toEqual([])
  })
})
