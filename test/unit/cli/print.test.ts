import { describe, expect, it } from 'vitest'
import { plainResult } from '../../../src/cli/print.ts'
import { redactText } from '../../../src/text/redact.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'

const item = (id: string): CheckedItem =>
  ({
    id,
    severity: 'warn',
    result: 'pass',
    evidence: { summary: 'nothing like it; 11 files looked through', atMs: 0 },
  }) as unknown as CheckedItem

describe('what a terminal prints of checked items', () => {
  it.each(['audit.secret-manager', 'audit.secrets-not-shared', 'audit.secrets-stdin'])(
    'keeps what is said of %s, though its name looks like that of a secret',
    (id) => {
      const proof = { items: [item(id)] } as never
      const lines = plainResult({ summary: '', exitCode: 0, data: null, proof }, false).join('\n')
      expect(redactText(lines, null).text).toContain('nothing like it; 11 files')
    },
  )
})
