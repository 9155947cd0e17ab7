import { redactText, type SecretSet } from '../text/redact.ts'

let known: SecretSet | null = null

/** Learns the secret values of this process; later ones join by themselves. Before it, what looks like a secret is masked. */
export async function learnSecrets(): Promise<void> {
  known ??= await (await import('../secret/known.ts')).knownSecrets([])
}

/** Words on their way to a person that no cell has masked: errors of libraries and systems, stray output. */
export const maskNow = (text: string): string => redactText(text, known).text

/** Every text of a structure that is printed for a script; its names stay, since scripts look for them. */
export function maskTexts<T>(value: T): T {
  const walk = (item: unknown): unknown => {
    if (typeof item === 'string') return maskNow(item)
    if (typeof item !== 'object' || item === null) return item
    if (Array.isArray(item)) return item.map(walk)
    if (typeof (item as { readonly toJSON?: unknown }).toJSON === 'function') return item
    return Object.fromEntries(Object.entries(item).map(([key, part]) => [key, walk(part)]))
  }
  return walk(value) as T
}
