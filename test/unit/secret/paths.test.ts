import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { createRegistry } from '../../../src/secret/registry.ts'
import { collectSecrets } from '../../../src/secret/sources.ts'
import { redactText } from '../../../src/text/redact.ts'

it('does not take the working folder for a password because its variable is called PWD', async () => {
  const secrets = createRegistry()
  await collectSecrets(secrets, {
    env: { PWD: tmpdir(), OLDPWD: '/usr', DB_PASSWORD: '/a-real-secret-value', API_TOKEN: 'tok-1234567890' },
    home: '/nonexistent',
  })
  const shown = redactText(`${tmpdir()}/run /usr/bin /a-real-secret-value tok-1234567890`, secrets).text
  expect(shown).toBe(`${tmpdir()}/run /usr/bin *** ***`)
})
