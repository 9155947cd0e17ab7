/** Shortest value that is masked; shorter ones would tear ordinary text apart. Source: handbook reliability 6. */
export const minSecretLength = 6

export const encodingKinds = [
  'plain',
  'base64',
  'base64+1',
  'base64+2',
  'base64url',
  'hex',
  'json',
  'uri',
  'xml',
  'shell',
  'escaped',
  'trimmed',
] as const
export type EncodingKind = (typeof encodingKinds)[number]

/** Above this a value is masked in fewer forms, so that a stored key file does not cost megabytes of automaton. */
const longValue = 512

/**
 * The forms in which a secret value leaks through tools that encode what they print. Base64 is taken at its three
 * alignments without the characters that depend on neighbours, so it is found inside a longer encoded text.
 */
export function encodingsOf(value: string): readonly { readonly kind: EncodingKind; readonly text: string }[] {
  const found = new Map<string, EncodingKind>()
  const add = (kind: EncodingKind, text: string) => {
    if (text.length >= minSecretLength && !found.has(text)) found.set(text, kind)
  }
  add('plain', value)
  const bytes = Buffer.from(value)
  for (const shift of [0, 1, 2] as const) {
    const core = base64Core(bytes, shift)
    add(shift === 0 ? 'base64' : `base64+${shift}`, core)
    add('base64url', core.replace(/\+/g, '-').replace(/\//g, '_'))
  }
  const json = JSON.stringify(value).slice(1, -1)
  add('json', json)
  add('json', asciiJson(json))
  add('xml', xml(value, '&#39;'))
  add('xml', xml(value, '&apos;'))
  add('shell', value.replace(/'/g, `'\\''`))
  add('shell', value.replace(/'/g, `'"'"'`))
  if (value.length <= longValue) {
    const hex = bytes.toString('hex')
    add('hex', hex)
    add('hex', hex.toUpperCase())
    const uri = encodeURIComponent(value.toWellFormed())
    const strict = uri.replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    for (const form of [uri, strict, encodeURI(value.toWellFormed())]) {
      add('uri', form)
      add(
        'uri',
        form.replace(/%[0-9A-F]{2}/g, (c) => c.toLowerCase()),
      )
      add('uri', form.replace(/%20/g, '+'))
    }
    // A back slash before everything unusual: printf %q, Makefiles; before quotes alone: repr and string literals.
    add('escaped', value.replace(/[^A-Za-z0-9_@%+=:,./-]/g, '\\$&'))
    add('escaped', value.replace(/[\\']/g, '\\$&'))
    add('escaped', value.replace(/[\\"$`!]/g, '\\$&'))
  }
  add('trimmed', value.replace(/^(["'])(.*)\1$/s, '$2').trim())
  return [...found].map(([text, kind]) => ({ kind, text }))
}

function base64Core(bytes: Uint8Array, shift: 0 | 1 | 2): string {
  const padded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
  return padded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6))
}

const asciiJson = (json: string) =>
  json.replace(/[\x7f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const xml = (value: string, apostrophe: string) =>
  value
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, apostrophe)
