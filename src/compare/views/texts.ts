import { sanitise, sanitiseLine } from '../../text/sanitise.ts'
import type { RunDigest } from '../digest.ts'
import { flatten, valueText } from '../flatten.ts'
import { textLines } from './text-lines.ts'
import type { TextLine, TextsScene } from './types.ts'

/** Texts that are made of what was read: they are there without any file. */
const madeOf = { settings: settingsText, packages: packagesText } as const
type Made = keyof typeof madeOf
const isMade = (name: string): name is Made => name in madeOf

/** A run as far as its texts go. */
export interface TextSide {
  readonly name: string
  readonly format: string
  readonly digest: RunDigest
  /** Names of the files that it left. */
  readonly files: readonly string[]
  /** One of them from its beginning; null: not there. */
  read(name: string): Promise<{ readonly text: string; readonly isCut: boolean } | null>
}

const code = /(^|\/)code\/|\.(py|sh|patch|diff)$/
const logs = /\.log$|(^|\/)(log|stdout|stderr)$/
/** Code first, logs last: a person asks what was run before what it said. */
const rankOf = (name: string) => (code.test(name) ? 0 : logs.test(name) ? 2 : 1)

/** A colour says nothing of what a line says; the sanitiser lets no other sequence through. */
const colours = /\u001b\[[0-9;:]*m/g

/** All that can be held against each other of two runs, by what a person asks for first. */
export function documentsOf(a: TextSide, b: TextSide): readonly string[] {
  const made = (Object.keys(madeOf) as Made[]).filter(
    (name) => madeOf[name](a.digest) !== null || madeOf[name](b.digest) !== null,
  )
  const files = [...new Set([...a.files, ...b.files])].sort((x, y) => rankOf(x) - rankOf(y) || (x < y ? -1 : 1))
  return [...made, ...files]
}

/** One text of two runs, line by line. `masked` takes out what looks like a secret, before anything is compared. */
export async function textsOf(
  a: TextSide,
  b: TextSide,
  wanted: string,
  masked: (text: string) => string = (text) => text,
): Promise<TextsScene> {
  const documents = documentsOf(a, b)
  const document = documents.includes(wanted) ? wanted : (documents[0] ?? '')
  const [left, right] = await Promise.all([textOf(a, document), textOf(b, document)])
  const clean = (text: string) => sanitise(masked(text)).replaceAll(colours, '').replaceAll('\t', '    ')
  const lines = textLines(clean(left?.text ?? ''), clean(right?.text ?? ''))
  const [nameA, nameB] = [sanitiseLine(a.name, 200), sanitiseLine(b.name, 200)]
  const notes = [
    ...(left === null ? [`${nameA} has no ${sanitiseLine(document, 200)} on record`] : []),
    ...(right === null ? [`${nameB} has no ${sanitiseLine(document, 200)} on record`] : []),
    ...[a, b].flatMap((side, at) => missingCode(side, at === 0 ? nameA : nameB)),
    ...[left, right].flatMap((side, at) =>
      side?.isCut === true ? [`only the first MiB of ${at === 0 ? nameA : nameB} was compared`] : [],
    ),
  ]
  return {
    kind: 'text',
    a: nameA,
    b: nameB,
    documents: documents.map((name) => sanitiseLine(name, 400)),
    document: sanitiseLine(document, 400),
    lines,
    changes: changesIn(lines),
    added: lines.filter(({ kind }) => kind === 'added' || kind === 'changed').length,
    removed: lines.filter(({ kind }) => kind === 'removed' || kind === 'changed').length,
    notes,
  }
}

async function textOf(side: TextSide, document: string) {
  if (!isMade(document)) return side.files.includes(document) ? side.read(document) : null
  const text = madeOf[document](side.digest)
  return text === null ? null : { text, isCut: false }
}

/** That code cannot be compared is said with its reason: silence would read as no change. */
function missingCode({ files, format }: TextSide, name: string): string[] {
  if (files.some((file) => code.test(file))) return []
  return [
    format === 'kx'
      ? `${name}: kx keeps the digest of its code, not the text; the table says whether it differs`
      : `${name} has no code or patch on record`,
  ]
}

/** Where changes begin: the first line of each stretch of lines that are not the same. */
function changesIn(lines: readonly TextLine[]): number[] {
  const isChange = (at: number) => {
    const kind = lines[at]?.kind
    return kind !== undefined && kind !== 'same' && kind !== 'cut'
  }
  return [...lines.keys()].filter((at) => isChange(at) && !isChange(at - 1))
}

/** Every setting on a line, by its flattened key. */
function settingsText({ settings }: RunDigest): string | null {
  if (settings.length === 0) return null
  const leaves = [...flatten(settings)].sort(([a], [b]) => (a < b ? -1 : 1))
  return leaves.map(([key, { value }]) => `${key} = ${valueText(value)}`.replaceAll(/[\r\n]+/g, ' ')).join('\n')
}

function packagesText({ facts }: RunDigest): string | null {
  if (facts.packages === undefined) return null
  const packages = Object.entries(facts.packages).sort(([a], [b]) => (a < b ? -1 : 1))
  return packages.map(([name, version]) => `${name}==${version}`).join('\n')
}
