import { homedir } from 'node:os'
import { createRegistry, type SecretRegistry } from './registry.ts'
import { collectSecrets, credentialFilesStamp } from './sources.ts'

let registry: SecretRegistry | null = null
let collectedFrom = ''

/** A value that a person typed: from now on it is masked wherever it turns up. */
export function addTypedSecret(name: string, value: string): void {
  registry ??= createRegistry()
  registry.add(name, value, 'typed')
}

/**
 * The secret values that this process knows. Collected when first asked for, and again when a credential file was
 * written or other names are asked for; what was known before stays masked. A run that is looked at every second must
 * not read sixteen files each time.
 */
export async function knownSecrets(names: readonly string[]): Promise<SecretRegistry> {
  registry ??= createRegistry()
  const home = homedir()
  const from = JSON.stringify([home, credentialFilesStamp(home), names.map((name) => [name, process.env[name]])])
  if (from !== collectedFrom) {
    await collectSecrets(registry, { names, env: process.env, home })
    collectedFrom = from
  }
  return registry
}

/** Changes whenever a value joins those that are known. */
export const knownVersion = (): number => registry?.version ?? 0

/**
 * Whether a variable of the environment is known to be a secret: the plan names it, or a known value stands in it, in
 * any encoding. What nobody has collected yet is not known.
 */
export function isKnownSecret(name: string, value: string): boolean {
  if (registry === null) return false
  const isNamed = registry.entries.some((entry) => entry.source === 'environment' && entry.name === name)
  return isNamed || registry.standsIn(value)
}

/** Names of the known secrets whose value stands in a text, in any encoding (see `SecretRegistry.namesIn`). */
export const knownNamesIn = (text: string): readonly string[] => registry?.namesIn(text) ?? []
