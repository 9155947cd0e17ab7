/** A key as the terminal room reports it. */
export interface Key {
  /** `a`, `A`, `?`, `enter`, `escape`, `tab`, `space`, `up`, `pageup`, `f1` … */
  readonly name: string
  readonly ctrl: boolean
  readonly meta: boolean
  readonly shift: boolean
  /** What it types, empty for keys that type nothing. */
  readonly text: string
}

const named = new Set(
  'enter escape tab space backspace delete insert up down left right home end pageup pagedown'.split(' '),
)

/** One key press as it is written in bindings: `ctrl+l`, `alt+b`, `shift+tab`, `G`, `?`, `enter`. */
export function chordOf(key: Key): string {
  const isNamed = named.has(key.name) || /^f\d{1,2}$/.test(key.name)
  // Shift of a printable key is already in the character (`G`, `?`); only named keys say it.
  const shift = key.shift && isNamed ? 'shift+' : ''
  return `${key.ctrl ? 'ctrl+' : ''}${key.meta ? 'alt+' : ''}${shift}${key.name}`
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
    const lower = name.toLowerCase()
    const isNamed = named.has(lower) || /^f\d{1,2}$/.test(lower)
    if (!isNamed && [...name].length !== 1) return null
    const shift = modifiers.includes('shift+') && isNamed ? 'shift+' : ''
    const ctrl = /ctrl\+|control\+/.test(modifiers) ? 'ctrl+' : ''
    const alt = /alt\+|meta\+|option\+/.test(modifiers) ? 'alt+' : ''
    const base = isNamed ? lower : modifiers.includes('shift+') ? name.toUpperCase() : name
    normal.push(`${ctrl}${alt}${shift}${ctrl !== '' && !isNamed ? base.toLowerCase() : base}`)
  }
  return normal.length === 0 ? null : normal
}

const shown: Readonly<Record<string, string>> = {
  enter: 'Enter',
  escape: 'Esc',
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
  return chord
    .split(' ')
    .map((press) => {
      const parts = press.split('+')
      const last = press.endsWith('++') || press === '+' ? '+' : (parts.pop() ?? '')
      const modifiers = press === '+' ? [] : parts.filter((p) => p !== '')
      const name = shown[last] ?? (modifiers.length > 0 ? last.toUpperCase() : last)
      const plain = isAscii && /[↑↓←→]/.test(name) ? last.charAt(0).toUpperCase() + last.slice(1) : name
      return [...modifiers.map((m) => m.charAt(0).toUpperCase() + m.slice(1)), plain].join('-')
    })
    .join(' ')
}
