import type { CompareView } from '../../src/compare/types.ts'
import type { TextLine, TextsScene } from '../../src/compare/views/types.ts'
import { plural } from '../../src/text/format.ts'
import type { PaneModel, Span, StyledLine } from '../workbench/model.ts'
import { numberOf } from './options.ts'

const signs = { same: ' ', removed: '-', added: '+', changed: '~', cut: ' ' } as const
const tokens = { same: 'text.normal', removed: 'diff.removed', added: 'diff.added' } as const

const number = (at: number | null) => (at === null ? '' : String(at)).padStart(4)

/** Numbers of the line in both texts, a sign, and its words: what went in `[- -]`, what came in `{+ +}`. */
function lineOf({ kind, a, b, pieces }: TextLine): StyledLine {
  if (kind === 'cut') return [{ text: `          ... ${pieces[0]?.text ?? ''} ...`, token: 'text.muted' }]
  const head: Span = {
    text: `${number(a)} ${number(b)} ${signs[kind]} `,
    token: kind === 'changed' ? 'diff.changed' : kind === 'same' ? 'text.muted' : tokens[kind],
  }
  if (kind !== 'changed') return [head, ...pieces.map(({ kind: of, text }) => ({ text, token: tokens[of] }))]
  return [
    head,
    ...pieces.map(
      ({ kind: of, text }): Span => ({
        text: of === 'same' ? text : of === 'removed' ? `[-${text}-]` : `{+${text}+}`,
        token: tokens[of],
      }),
    ),
  ]
}

/** Made once for its scene: a person scrolls through the same lines. */
const made = new WeakMap<TextsScene, readonly StyledLine[]>()

/** Lines above the first line of the text. */
export const headLines = (scene: TextsScene): number => 2 + scene.notes.length

function linesOf(scene: TextsScene): readonly StyledLine[] {
  const known = made.get(scene)
  if (known !== undefined) return known
  const at = scene.documents.indexOf(scene.document) + 1
  const others = scene.documents.filter((name) => name !== scene.document)
  const count =
    scene.changes.length === 0
      ? 'no difference'
      : `${plural(scene.changes.length, 'change')}: ${plural(scene.removed, 'line')} of A gone, ${scene.added} come`
  const lines: StyledLine[] = [
    [{ text: `A ${scene.a}   B ${scene.b}   ${count}`, token: 'text.strong' }],
    [
      {
        text: `text ${at} of ${scene.documents.length}${others.length > 0 ? `; also: ${others.join(', ')}` : ''}`,
        token: 'text.muted',
      },
    ],
    ...scene.notes.map((text): StyledLine => [{ text, token: 'severity.warn' }]),
    ...scene.lines.map(lineOf),
  ]
  made.set(scene, lines)
  return lines
}

/** The lines with a mark at the change that a person went to. */
function atChange(scene: TextsScene, change: number | null, isUnicode: boolean): readonly StyledLine[] {
  const lines = linesOf(scene)
  const line = change === null ? undefined : scene.changes[change]
  if (line === undefined) return lines
  const at = headLines(scene) + line
  return lines.map((each, i) => {
    if (i !== at || typeof each === 'string') return each
    const [head, ...rest] = each
    return head === undefined ? each : [{ ...head, text: `${head.text.slice(0, -1)}${isUnicode ? '▸' : '>'}` }, ...rest]
  })
}

/** One text of two runs: settings, packages, code, patch, or log. */
export function textPane(view: CompareView | null, options: readonly string[], isUnicode: boolean): PaneModel {
  const scene = view?.scene?.kind === 'text' ? view.scene : null
  return {
    id: 'view',
    title: scene === null ? 'Text' : scene.document || 'Text',
    note: scene === null ? '' : [`${scene.b} against ${scene.a}`, ''],
    kind: 'text',
    lines:
      scene === null
        ? [view !== null && view.runs.length < 2 ? 'there is one run: nothing to hold it against' : 'reading texts']
        : scene.documents.length === 0
          ? ['neither run has settings, packages, code or logs on record']
          : atChange(scene, numberOf(options, 'change'), isUnicode),
  }
}
