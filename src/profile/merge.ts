/**
 * How profiles are laid over one another. Three rules: maps are merged key by key; the lists named here are merged by the
 * key of their entries (same key: merged; new key: appended; `removed: true` beside the key: taken out); every other value,
 * plain lists included, is replaced whole.
 */
const keyedLists: Readonly<Record<string, string>> = {
  'storage.tiers': 'id',
  'billing.verbs': 'verb',
  'billing.rates': 'id',
  dangerClocks: 'id',
  gotchas: 'id',
}

type Path = readonly (string | number)[]

/** Where a merged value was written: which layer (0 is the lowest), and its path there. */
export interface Origin {
  readonly layer: number
  readonly path: Path
}

type Node =
  | { readonly kind: 'map'; readonly origin: Origin; readonly entries: ReadonlyMap<string, Node> }
  | { readonly kind: 'list'; readonly origin: Origin; readonly items: readonly Node[] }
  | { readonly kind: 'leaf'; readonly origin: Origin; readonly value: unknown }

export interface Merged {
  readonly value: unknown
  /** By `originKey` of the path in `value`: every key and list entry, maps and lists too. */
  readonly origins: ReadonlyMap<string, Origin>
}

export const originKey = (path: readonly PropertyKey[]): string => path.map(String).join('\0')

/** Lays each layer on those before it. `undefined` layers change nothing. No layer is touched. */
export function mergeLayers(layers: readonly unknown[]): Merged {
  let merged: Node | null = null
  layers.forEach((value, layer) => {
    if (value === undefined) return
    const over = nodeOf(value, { layer, path: [] })
    merged = merged === null ? over : mergeNodes(merged, over, '')
  })
  if (merged === null) return { value: undefined, origins: new Map() }
  const origins = new Map<string, Origin>()
  return { value: plainOf(merged, [], origins), origins }
}

/** `over` laid on `base`. */
export const mergeDeep = (base: unknown, over: unknown): unknown => mergeLayers([base, over]).value

function nodeOf(value: unknown, origin: Origin): Node {
  const below = (key: string | number): Origin => ({ layer: origin.layer, path: [...origin.path, key] })
  if (Array.isArray(value)) return { kind: 'list', origin, items: value.map((item, i) => nodeOf(item, below(i))) }
  if (value === null || typeof value !== 'object') return { kind: 'leaf', origin, value }
  const entries = new Map(Object.entries(value).map(([key, inner]) => [key, nodeOf(inner, below(key))]))
  return { kind: 'map', origin, entries }
}

/** `at`: dotted path of both, without list indices. */
function mergeNodes(base: Node, over: Node, at: string): Node {
  if (base.kind === 'map' && over.kind === 'map') {
    const entries = new Map(base.entries)
    for (const [key, node] of over.entries) {
      const below = base.entries.get(key)
      entries.set(key, below === undefined ? node : mergeNodes(below, node, at === '' ? key : `${at}.${key}`))
    }
    return { kind: 'map', origin: over.origin, entries }
  }
  const key = Object.hasOwn(keyedLists, at) ? keyedLists[at] : undefined
  if (key === undefined || base.kind !== 'list' || over.kind !== 'list') return over
  return mergeByKey(base.items, over, key, at)
}

function mergeByKey(base: readonly Node[], over: Extract<Node, { kind: 'list' }>, key: string, at: string): Node {
  const names = over.items.map((item) => nameOf(item, key))
  // An empty list, or entries without their key, are no overrides of single entries.
  if (names.length === 0 || names.includes(null)) return over
  const items: (Node | null)[] = [...base]
  const taken = new Set<number>()
  over.items.forEach((item, i) => {
    const found = base.findIndex((each, j) => !taken.has(j) && nameOf(each, key) === names[i])
    if (found < 0) {
      items.push(item)
      return
    }
    taken.add(found)
    items[found] = isRemoval(item) ? null : mergeNodes(base[found] as Node, item, at)
  })
  return { kind: 'list', origin: over.origin, items: items.filter((item) => item !== null) }
}

function nameOf(node: Node, key: string): string | null {
  const name = node.kind === 'map' ? node.entries.get(key) : undefined
  return name?.kind === 'leaf' && typeof name.value === 'string' ? name.value : null
}

function isRemoval(node: Node): boolean {
  const removed = node.kind === 'map' ? node.entries.get('removed') : undefined
  return removed?.kind === 'leaf' && removed.value === true
}

function plainOf(node: Node, path: Path, origins: Map<string, Origin>): unknown {
  origins.set(originKey(path), node.origin)
  if (node.kind === 'leaf') return node.value
  if (node.kind === 'list') return node.items.map((item, i) => plainOf(item, [...path, i], origins))
  const map: Record<string, unknown> = Object.create(null)
  for (const [key, inner] of node.entries) map[key] = plainOf(inner, [...path, key], origins)
  return map
}
