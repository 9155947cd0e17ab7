type SecretRegistry = import('../secret/registry.ts').SecretRegistry

/** The secret values that this process knows, loaded late: a command that draws a first frame needs none. */
export async function knownSecrets(names: readonly string[]): Promise<SecretRegistry> {
  return (await import('../secret/known.ts')).knownSecrets(names)
}
