/** Twenty values as they occur: with quotes, blanks, signs, other letters, short and long. None looks like a credential. */
export const values = [
  'Zq7-vermilion-otter',
  'p4ss word with blanks',
  'it\'s "quoted" here',
  'back\\slash\\path9',
  'a&b<c>d"e\'f',
  'ünïcødé-wörd-42',
  '100%+sure?yes=no&x',
  'tab\there-and-there',
  'dollar$HOME`tick`',
  '{"json":"inside"}',
  'k8',
  'semi;colon|pipe',
  '日本語の秘密キー',
  'aaaaaabbbbbb777',
  'MiXeDcAsE0123456789',
  'ends with bang!!',
  "'wrapped-in-quotes'",
  'long-'.repeat(40),
  '~tilde~star*glob?',
  'x/y+z==w//v++u',
].map((value) => (value.length < 6 ? `${value}-lengthened` : value))

/** Twelve encodings, written here anew: what masks must not decide what is looked for. */
export const encodings: Readonly<Record<string, (value: string) => string>> = {
  plain: (v) => v,
  base64: (v) => Buffer.from(v).toString('base64'),
  'base64+1': (v) => Buffer.from(`:${v}`).toString('base64'),
  'base64+2': (v) => Buffer.from(`u:${v}`).toString('base64'),
  base64url: (v) => Buffer.from(v).toString('base64url'),
  hex: (v) => Buffer.from(v).toString('hex'),
  json: (v) => JSON.stringify(v),
  uri: (v) => encodeURIComponent(v),
  xml: (v) =>
    v.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c] ?? c),
  shell: (v) => `'${v.replaceAll("'", "'\\''")}'`,
  escaped: (v) => v.replace(/[^A-Za-z0-9_@%+=:,./-]/g, (c) => `\\${c}`),
  trimmed: (v) => `"${v}"  `,
}

/** The part of an encoded value that is of the value alone: at its ends base64 mixes in what stands beside it. */
const coreOf = (kind: string, text: string): string =>
  kind.startsWith('base64')
    ? text.replace(/=+$/, '').slice(kind === 'base64' || kind === 'base64url' ? 0 : 3, -2)
    : text.trim().replace(/^(["'])(.*)\1$/s, '$2')
/** Long values are masked by line and in fewer forms (see `encodingsOf`), so that a key file costs no megabytes. */
export const forms = values.flatMap((value) =>
  Object.entries(encodings).map(([kind, encode]) => ({ value, kind, text: encode(value) })),
)

/** Every form of every canary that stands in a text. */
export function leaks(text: string): string[] {
  return forms.flatMap(({ kind, text: form, value }) => {
    const core = coreOf(kind, form)
    return core.length >= 6 && text.includes(core) ? [`${kind} of ${value}`] : []
  })
}

/** Variables that hold them, under names that tell what they are. */
export const canaryVariables: Readonly<Record<string, string>> = Object.fromEntries(
  values.map((value, at) => [`CANARY_${at}_TOKEN`, value]),
)
