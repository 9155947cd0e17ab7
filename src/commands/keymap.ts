import { parseChord } from './chord.ts'
import type { CommandSpec, ScreenId } from './types.ts'

/** What a person wrote in `.kxrc` under `keys`: command id to chord, several chords, or null to take its keys away. */
export type KeyOverrides = Readonly<Record<string, string | readonly string[] | null>>

export interface KeyProblem {
  readonly commandId: string
  readonly chord: string
  readonly text: string
}

interface Node {
  readonly next: Map<string, Node>
  readonly bound: { readonly commandId: string; readonly where: CommandSpec['where'] }[]
}

export interface Keymap {
  readonly root: Node
  /** Chords by command id, as bound after overrides. */
  readonly chords: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly KeyProblem[]
}

const node = (): Node => ({ next: new Map(), bound: [] })

function overlaps(a: CommandSpec['where'], b: CommandSpec['where']): boolean {
  // A screen's own binding may shadow a global one; two of the same kind may not meet.
  if (a === 'global' || b === 'global') return a === b
  return a.some((s) => b.includes(s))
}

/** Everything bound at a node or under it. */
const boundUnder = (from: Node): Node['bound'] => [...from.bound, ...[...from.next.values()].flatMap(boundUnder)]

/**
 * A chord of a person against commands of the other kind, a screen's own against those of everywhere: both are bound,
 * and on the screen only one of them is reached.
 */
function hidden(root: Node, spec: CommandSpec, chord: string): KeyProblem[] {
  const met: { commandId: string; where: CommandSpec['where'] }[] = []
  let at: Node | undefined = root
  for (const press of chord.split(' ')) {
    if (at !== root) met.push(...(at?.bound ?? []))
    at = at?.next.get(press)
  }
  if (at !== undefined) met.push(...boundUnder(at))
  const isGlobal = spec.where === 'global'
  const others = new Map(met.filter((b) => (b.where === 'global') !== isGlobal).map((b) => [b.commandId, b.where]))
  return [...others].map(([commandId, where]) => {
    const screens = [isGlobal ? where : spec.where].flat()
    const what = isGlobal ? `runs ${commandId}` : `takes the place of ${commandId}`
    const place = `on the screen${screens.length === 1 ? '' : 's'} ${screens.join(', ')}`
    const text = `keys.${spec.id}: "${chord}" ${what} ${place}; give one of the two another key in .kxrc`
    return { commandId: spec.id, chord, text }
  })
}

/**
 * Builds the trie of chords. Two commands on one chord in one place are a conflict: the first keeps it. A built-in key of
 * a screen may shadow a global one; a person's that does is said.
 */
export function buildKeymap(specs: readonly CommandSpec[], overrides: KeyOverrides = {}): Keymap {
  const root = node()
  const chords = new Map<string, string[]>()
  const problems: KeyProblem[] = []
  for (const id of Object.keys(overrides)) {
    if (!specs.some((s) => s.id === id)) {
      problems.push({ commandId: id, chord: '', text: `keys.${id}: there is no command of this name; see kx help` })
    }
  }
  // Overridden commands bind first, so that a person's choice wins over a built-in one.
  const isOverridden = (s: CommandSpec) => Object.hasOwn(overrides, s.id)
  for (const spec of [...specs.filter(isOverridden), ...specs.filter((s) => !isOverridden(s))]) {
    const chosen = isOverridden(spec) ? overrides[spec.id] : spec.keys
    const list = chosen === null || chosen === undefined ? [] : typeof chosen === 'string' ? [chosen] : chosen
    for (const chord of list) {
      const presses = parseChord(chord)
      if (presses === null) {
        problems.push({
          commandId: spec.id,
          chord,
          text: `keys.${spec.id}: "${chord}" is not a key; write ctrl+l, g p, f2`,
        })
        continue
      }
      let at = root
      let prefixOwner: string | undefined
      for (const press of presses) {
        prefixOwner ??= at.bound.find((b) => overlaps(b.where, spec.where))?.commandId
        let next = at.next.get(press)
        if (next === undefined) {
          next = node()
          at.next.set(press, next)
        }
        at = next
      }
      const taken = prefixOwner ?? at.bound.find((b) => overlaps(b.where, spec.where))?.commandId
      if (taken !== undefined) {
        problems.push({
          commandId: spec.id,
          chord,
          text: `keys.${spec.id}: "${chord}" already runs ${taken}; give one of the two another key in .kxrc`,
        })
        continue
      }
      at.bound.push({ commandId: spec.id, where: spec.where })
      chords.set(spec.id, [...(chords.get(spec.id) ?? []), presses.join(' ')])
    }
  }
  for (const spec of specs.filter(isOverridden))
    for (const chord of chords.get(spec.id) ?? []) problems.push(...hidden(root, spec, chord))
  return { root, chords, problems }
}

export type Lookup =
  | { readonly kind: 'command'; readonly commandId: string }
  | {
      readonly kind: 'pending'
      readonly next: readonly { readonly press: string; readonly commandIds: readonly string[] }[]
    }
  | { readonly kind: 'none' }

/** Looks presses up for one screen; the screen's own binding goes before a global one. */
export function lookup(keymap: Keymap, presses: readonly string[], screen: ScreenId): Lookup {
  let at: Node | undefined = keymap.root
  for (const press of presses) at = at?.next.get(press)
  if (at === undefined) return { kind: 'none' }
  const own = at.bound.find((b) => b.where !== 'global' && b.where.includes(screen))
  const bound = own ?? at.bound.find((b) => b.where === 'global')
  if (bound !== undefined) return { kind: 'command', commandId: bound.commandId }
  const next = [...at.next]
    .map(([press, n]) => ({ press, commandIds: idsUnder(n, screen) }))
    .filter((n) => n.commandIds.length > 0)
  return next.length === 0 ? { kind: 'none' } : { kind: 'pending', next }
}

function idsUnder(from: Node, screen: ScreenId): string[] {
  const here = from.bound.filter((b) => b.where === 'global' || b.where.includes(screen)).map((b) => b.commandId)
  return [...here, ...[...from.next.values()].flatMap((n) => idsUnder(n, screen))]
}
