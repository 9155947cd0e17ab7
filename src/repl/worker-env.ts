import { isSecretName } from '../text/patterns.ts'
import { redactText, type SecretSet } from '../text/redact.ts'

/** An environment without what looks like a secret by its name, and what is one by its value. */
export function withoutSecrets(
  env: Readonly<Record<string, string | undefined>>,
  secrets: SecretSet | null,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !isSecretName(entry[0]) && redactText(entry[1], secrets).count === 0,
    ),
  )
}
