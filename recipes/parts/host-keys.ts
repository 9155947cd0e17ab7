import { createHash } from 'node:crypto'

export interface OfferedKey {
  readonly type: string
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string
}

/** Keys out of what ssh-keyscan prints; anything else in it is left out. */
export function offeredKeys(printed: string): readonly OfferedKey[] {
  return printed.split('\n').flatMap((line) => {
    const found = /^(?!#)\S+ ((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line.trim())
    if (found === null) return []
    const digest = createHash('sha256')
      .update(Buffer.from(found[2] ?? '', 'base64'))
      .digest('base64')
    return [{ type: found[1] ?? '', fingerprint: `SHA256:${digest.replace(/=+$/, '')}` }]
  })
}
