import { stageOf } from '../../src/run/reader.ts'
import type { Glyphs } from '../../src/ui/glyphs.ts'
import { textWidth } from '../../src/ui/text-fit.ts'
import { phases } from '../../src/walk/phase.ts'
import { ageText } from './ages.ts'
import type { ScreenInput } from './input.ts'
import { hostOfRun, linkSpan } from './link.ts'
import type { Span } from './model.ts'
import { standingOf } from './standing.ts'

const phaseWords = {
  plan: 'Plan',
  audit: 'Audit',
  smoke: 'Smoke',
  cost: 'Cost',
  launch: 'Launch',
  patrol: 'Patrol',
  teardown: 'Teardown',
} as const
const phaseMarks = {
  todo: 'todo',
  running: 'running',
  passed: 'pass',
  blocked: 'blocked',
  stale: 'stale',
  unknown: 'unknown',
} as const

/** State of the open run in a word, with a sign when the look behind it is old; `unknown` is an answer. */
export function runWord(input: ScreenInput): { readonly text: string; readonly token: Span['token'] } {
  const { word, token, isStale, end } = standingOf(input)
  // The word of the home screen comes with it: one run, one name for how far it is.
  if (word === 'not launched' && input.run !== null) return { text: `${stageOf(input.run)}, ${word}`, token }
  if (end !== null) return { text: `${word}, ${end.word}`, token }
  return isStale && word !== 'unknown' ? { text: `${word} ! stale`, token: 'state.stale' } : { text: word, token }
}

function moneyText(input: ScreenInput): string {
  const run = input.run
  if (run === null) return ''
  const cap = (run.latest.Approval?.payload as { readonly capUsd?: number } | undefined)?.capUsd
  if (run.meters.some((m) => m.usdPerHour === null)) return 'spent unknown'
  const spent = run.meters.reduce(
    // A meter may have opened a moment after the clock of this frame.
    (sum, m) => sum + ((m.usdPerHour ?? 0) * Math.max(0, (m.closedAtMs ?? input.nowMs) - m.openedAtMs)) / 3_600_000,
    0,
  )
  return `$${spent.toFixed(2)}${cap === undefined ? '' : ` of $${cap.toFixed(2)}`}`
}

/** Title line: project, run, host, state, money of cap, age of what is shown. Static parts left, numbers right. */
export function titleSpans(input: ScreenInput, width: number): Span[] {
  const word = runWord(input)
  const { fleet } = input.run ?? {}
  const host = fleet === undefined ? hostOfRun(input) : `${fleet.hosts.length} hosts`
  const left = (runId: string | undefined, isShort = false): Span[] => [
    { text: 'kx ', token: 'accent' },
    { text: input.project, token: 'text.strong' },
    ...(runId === undefined ? [] : [{ text: `  ${runId}`, token: 'text.muted' } as const]),
    ...(host === undefined ? [] : [{ text: `  on ${host}` }]),
    ...[linkSpan(input, isShort)].filter((span) => span !== null),
    { text: `  ${word.text}`, token: word.token },
  ]
  const seenAtMs = Math.max(input.run?.observation?.atMs ?? 0, input.observation?.atMs ?? 0)
  const money = moneyText(input)
  const age = seenAtMs === 0 ? '' : `seen ${ageText(input.nowMs - seenAtMs)}`
  const runId = input.run?.runId
  // Narrow terminals give up the end of the run's name first, then the ages, then the name; money stays as long as
  // anything does, and how the link is always does.
  const short = runId === undefined ? undefined : `${runId.slice(0, 13)}${input.isUnicode ? '…' : '~'}`
  for (const [id, parts, isShort] of [
    [runId, [money, age], false],
    [short, [money, age], false],
    [short, [money], false],
    [short, [money], true],
    [undefined, [money], true],
    [undefined, [], true],
  ] as const) {
    const right = parts.filter((t) => t !== '').join('  ')
    const room =
      width -
      textWidth(
        left(id, isShort)
          .map((s) => s.text)
          .join(''),
      ) -
      textWidth(right)
    if (room >= 1) return [...left(id, isShort), { text: ' '.repeat(room) }, { text: right, token: 'text.muted' }]
  }
  return left(runId)
}

/** An ASCII mark in one column. Without its box a tick would read as a failure, and a blank as nothing. */
function bareMark(mark: string): string {
  const bare = mark.replace(/[[\]]/g, '')
  return bare === mark ? mark : bare === 'x' ? '+' : bare === ' ' ? '.' : bare
}

/**
 * The rail: the seven phases with the state of each proof, by glyph and colour; the open one in brackets. What does not
 * fit gives up, in this order, the lines between, the brackets of ASCII marks, and the names of the phases not open.
 */
export function railSpans(input: ScreenInput, width: number, glyphs: Glyphs): Span[] {
  const rail = (has: { readonly lines?: boolean; readonly wholeMarks?: boolean; readonly names?: boolean }): Span[] =>
    phases.flatMap((phase, i) => {
      const state = phaseMarks[input.phases[phase].state]
      const isHere = input.screen === phase
      const known = has.wholeMarks === true ? glyphs.mark[state] : bareMark(glyphs.mark[state])
      // Until the files were read a phase has no mark: unknown is what a look has found, not what has not been looked at.
      const isUnread = input.plan.status === 'loading' && state === 'unknown'
      const mark = isUnread ? ' '.repeat(textWidth(known)) : known
      const name = has.names === true || isHere ? `${i + 1} ${phaseWords[phase]}` : `${i + 1}`
      return [
        { text: isHere ? '[' : ' ', token: 'accent' },
        { text: `${mark} `, token: `state.${state}` },
        isHere ? { text: name, token: 'text.strong' } : { text: name },
        { text: isHere ? ']' : ' ', token: 'accent' },
        ...(has.lines === true && i < phases.length - 1 ? [{ text: glyphs.rule, token: 'border' } as const] : []),
      ] satisfies Span[]
    })
  const tries = [
    { lines: true, wholeMarks: true, names: true },
    { wholeMarks: true, names: true },
    { names: true },
    {},
  ] as const
  const fits = (spans: readonly Span[]) => textWidth(spans.map((s) => s.text).join('')) <= width
  return tries.map(rail).find(fits) ?? rail({})
}
