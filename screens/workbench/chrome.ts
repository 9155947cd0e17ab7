import type { Glyphs } from '../../src/ui/glyphs.ts'
import { textWidth } from '../../src/ui/text-fit.ts'
import { phases } from '../../src/walk/phase.ts'
import { ageText } from './ages.ts'
import type { ScreenInput } from './input.ts'
import type { Span } from './model.ts'

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

/** State of the open run in one word, from what is folded; `unknown` is an answer. */
export function runWord(input: ScreenInput): { readonly text: string; readonly token: Span['token'] } {
  const run = input.run
  if (run === null) return { text: 'no run open', token: 'text.muted' }
  if (run.latest.MeterStopped !== undefined) return { text: 'torn down', token: 'state.pass' }
  if (run.latest.Receipt === undefined) return { text: 'not launched', token: 'text.muted' }
  const seen = run.observation?.payload as { readonly state?: string } | undefined
  const state = seen?.state ?? 'unknown'
  const tokens: Readonly<Record<string, Span['token']>> = {
    running: 'state.running',
    finished: 'state.pass',
    stalled: 'state.stale',
    dead: 'state.fail',
  }
  return { text: state, token: tokens[state] ?? 'state.unknown' }
}

function moneyText(input: ScreenInput): string {
  const run = input.run
  if (run === null) return ''
  const cap = (run.latest.Approval?.payload as { readonly capUsd?: number } | undefined)?.capUsd
  if (run.meters.some((m) => m.usdPerHour === null)) return 'spent unknown'
  const spent = run.meters.reduce(
    (sum, m) => sum + ((m.usdPerHour ?? 0) * ((m.closedAtMs ?? input.nowMs) - m.openedAtMs)) / 3_600_000,
    0,
  )
  return `$${spent.toFixed(2)}${cap === undefined ? '' : ` of $${cap.toFixed(2)}`}`
}

/** Title line: project, run, host, state, money of cap, age of what is shown. Static parts left, numbers right. */
export function titleSpans(input: ScreenInput, width: number): Span[] {
  const word = runWord(input)
  const host =
    input.run?.latest.Receipt?.host?.host ?? (input.plan.status === 'ok' ? input.plan.loaded.plan.hosts[0] : undefined)
  const left = (runId: string | undefined): Span[] => [
    { text: 'kx ', token: 'accent' },
    { text: input.project, token: 'text.strong' },
    ...(runId === undefined ? [] : [{ text: `  ${runId}`, token: 'text.muted' } as const]),
    ...(host === undefined ? [] : [{ text: `  on ${host}` }]),
    { text: `  ${word.text}`, token: word.token },
  ]
  const seen = input.run?.observation
  const money = moneyText(input)
  const age = seen === null || seen === undefined ? '' : `seen ${ageText(input.nowMs - seen.atMs)}`
  const runId = input.run?.runId
  // Narrow terminals give up the end of the run's name first, then the age; money stays as long as anything does.
  const short = runId === undefined ? undefined : `${runId.slice(0, 13)}${input.isUnicode ? '…' : '~'}`
  for (const [id, parts] of [
    [runId, [money, age]],
    [short, [money, age]],
    [short, [money]],
  ] as const) {
    const right = parts.filter((t) => t !== '').join('  ')
    const room =
      width -
      textWidth(
        left(id)
          .map((s) => s.text)
          .join(''),
      ) -
      textWidth(right)
    if (room >= 1) return [...left(id), { text: ' '.repeat(room) }, { text: right, token: 'text.muted' }]
  }
  return left(runId)
}

/** The rail: the seven phases with the state of each proof, by glyph and colour; the open one in brackets. */
export function railSpans(input: ScreenInput, width: number, glyphs: Glyphs): Span[] {
  const isTight = width < 100
  const spans: Span[] = []
  phases.forEach((phase, i) => {
    const mark = phaseMarks[input.phases[phase].state]
    const isHere = input.screen === phase
    const name = `${i + 1} ${phaseWords[phase]}`
    const token = `state.${mark}` as const
    spans.push(
      { text: isHere ? '[' : ' ', token: 'accent' },
      { text: `${glyphs.mark[mark]} `, token },
      isHere ? { text: name, token: 'text.strong' } : { text: name },
      { text: isHere ? ']' : ' ', token: 'accent' },
    )
    if (!isTight && i < phases.length - 1) spans.push({ text: glyphs.rule, token: 'border' })
  })
  return spans
}
