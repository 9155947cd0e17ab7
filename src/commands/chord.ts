/** A key as the terminal room reports it: `name` is the character in lower case or a word, `text` is what it types. */
export interface Key {
  readonly name: string
  readonly ctrl: boolean
  readonly meta: boolean
  readonly shift: boolean
  readonly text: string
}

const named = new Set(
  'enter esc tab space backspace delete insert up down left right home end pageup pagedown'.split(' '),
)

const isNamed = (name: string) => named.has(name) || /^f\d{1,2}$/.test(name)

/** One key press as it is written in bindings: `ctrl+l`, `alt+b`, `shift+tab`, `G`, `?`, `enter`. */
export function chordOf(key: Key): string {
  const modifiers = `${key.ctrl ? 'ctrl+' : ''}${key.meta ? 'alt+' : ''}`
  // Shift of a printable key is already in the character (`G`, `?`); only named keys say it.
  if (isNamed(key.name)) return `${modifiers}${key.shift ? 'shift+' : ''}${key.name}`
  return `${modifiers}${key.ctrl || key.text === '' ? key.name : key.text}`
}

/** Splits `g p` into its presses, each brought into the form of `chordOf`. Returns null when it cannot be one. */
export function parseChord(chord: string): readonly string[] | null {
  const presses = chord.trim().split(/\s+/)
  const normal: string[] = []
  for (const press of presses) {
    const match = /^((?:(?:ctrl|alt|shift|meta|option|control)\+)*)(.+)$/i.exec(press)
    const name = match?.[2]
    if (match === null || name === undefined) return null
    const modifiers = (match[1] ?? '').toLowerCase()
    const lower = name.toLowerCase() === 'escape' ? 'esc' : name.toLowerCase()
    const isWord = isNamed(lower)
    if (!isWord && [...name].length !== 1) return null
    const shift = modifiers.includes('shift+') && isWord ? 'shift+' : ''
    const ctrl = /ctrl\+|control\+/.test(modifiers) ? 'ctrl+' : ''
    const alt = /alt\+|meta\+|option\+/.test(modifiers) ? 'alt+' : ''
    const base = isWord ? lower : modifiers.includes('shift+') ? name.toUpperCase() : name
    normal.push(`${ctrl}${alt}${shift}${ctrl !== '' && !isWord ? base.toLowerCase() : base}`)
  }
  return normal.length === 0 ? null : normal
}

const shown: Readonly<Record<string, string>> = {
  enter: 'Enter',
  esc: 'Esc',
  tab: 'Tab',
  space: 'Space',
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  pageup: 'PgUp',
  pagedown: 'PgDn',
  home: 'Home',
  end: 'End',
  backspace: 'Backspace',
  delete: 'Del',
}

/** For people: `ctrl+l` becomes `Ctrl-L`. ASCII mode writes arrows as words. */
export function showChord(chord: string, isAscii = false): string {
  const key = `${isAscii ? 'ascii' : 'any'} ${chord}`
  const text = shownChords.get(key) ?? chordText(chord, isAscii)
  shownChords.set(key, text)
  return text
}

/** Every frame names the keys of its hints. */
const shownChords = new Map<string, string>()

function chordText(chord: string, isAscii: boolean): string {
  return chord
    .split(' ')
    .map((press) => {
      const parts = press.split('+')
      const last = press.endsWith('++') || press === '+' ? '+' : (parts.pop() ?? '')
      const modifiers = press === '+' ? [] : parts.filter((p) => p !== '')
      const name =
        shown[last] ??
        (/^f\d{1,2}$/.test(last) ? last.toUpperCase() : undefined) ??
        (modifiers.length > 0 ? last.toUpperCase() : last)
      const plain = isAscii && /[↑↓←→]/.test(name) ? last.charAt(0).toUpperCase() + last.slice(1) : name
      return [...modifiers.map((m) => m.charAt(0).toUpperCase() + m.slice(1)), plain].join('-')
    })
    .join(' ')
}
