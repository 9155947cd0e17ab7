import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import {
  Checklist,
  type ChecklistItem,
  checklistLines,
  checklistSummary,
  makeTheme,
  markOf,
  reduceList,
  ThemeProvider,
  textWidth,
} from '../../../src/ui/index.ts'

const theme = makeTheme({ name: 'mono', colorDepth: 1, isUnicode: true })
const item = (n: number, extra: Partial<ChecklistItem> = {}): ChecklistItem => ({
  id: `audit.item-${n}`,
  title: `Thing ${n}`,
  mark: 'pass',
  severity: 'error',
  evidence: `value ${n}`,
  ...extra,
})
const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')
const draw = (props: Partial<Parameters<typeof Checklist>[0]> & { items: readonly ChecklistItem[] }) =>
  plain(
    render(
      <ThemeProvider theme={theme}>
        <Checklist width={80} height={6} {...props} />
      </ThemeProvider>,
    ).lastFrame(),
  )

describe('checklist', () => {
  it('shows mark, severity, title and evidence in one row', () => {
    const frame = draw({ items: [item(1, { mark: 'unknown', isStale: true, isOverridden: true })], cursor: 0 })
    expect(frame).toMatch(/^▸ \? unknown !! \(stale, overridden\) Thing 1 +value 1/)
  })

  it('mounts only what is on screen and keeps the cursor visible', () => {
    const items = Array.from({ length: 3000 }, (_, n) => item(n))
    const lines = draw({ items, cursor: 1500 }).split('\n')
    expect(lines).toHaveLength(6)
    expect(lines.at(-1)).toContain('▸ ✓ pass')
    expect(lines.at(-1)).toContain('Thing 1500')
  })

  it('opens an item to its whole evidence, below a group heading', () => {
    const items = [item(1, { group: 'Disk', detail: ['df -P', 'fix: free some space'] }), item(2, { group: 'Disk' })]
    const lines = draw({ items, openIds: ['audit.item-1'], cursor: 1 }).split('\n')
    expect(lines[0]?.trim()).toBe('Disk')
    expect(lines[1]).toContain('▾')
    expect(lines[2]).toContain('audit.item-1 - value 1')
    expect(lines[4]).toContain('fix: free some space')
    expect(lines[5]).toContain('Thing 2')
  })

  it('never draws wider than it may', () => {
    const items = [item(1, { title: '日本語'.repeat(40), evidence: 'é\n'.repeat(200), mark: 'fail' })]
    for (const width of [10, 20, 40, 69, 70, 200]) {
      for (const line of draw({ items, width, cursor: 0 }).split('\n'))
        expect(textWidth(line)).toBeLessThanOrEqual(width)
    }
  })

  it('prints as lines with nothing left out', () => {
    const lines = checklistLines(
      { items: [item(1, { group: 'Disk' }), item(2, { mark: 'na', evidence: 'no GPU' })] },
      200,
    )
    expect(lines).toEqual([
      'Disk',
      '✓ pass    error audit.item-1 Thing 1: value 1',
      '– n/a     error audit.item-2 Thing 2: no GPU',
    ])
    const long = checklistLines({ items: [item(1, { evidence: 'word '.repeat(60).trim() })] }, 60)
    expect(long.join(' ').match(/word/g)).toHaveLength(60)
    for (const line of long) expect(textWidth(line)).toBeLessThanOrEqual(60)
  })

  it('counts what stands how', () => {
    expect(checklistSummary([item(1), item(2), item(3, { mark: 'unknown' })])).toBe('1 unknown, 2 pass')
    expect(checklistSummary([])).toBe('no items')
  })

  it('reads no unknown word as good', () => {
    expect(markOf('not-applicable')).toBe('na')
    expect(markOf('passed')).toBe('pass')
    expect(markOf('something else')).toBe('unknown')
  })
})

describe('list state', () => {
  const view = { count: 100, height: 10 }
  it('moves, pages and jumps inside its bounds', () => {
    let state = { cursor: 0, top: 0 }
    state = reduceList(state, { type: 'move', by: -1 }, view)
    expect(state).toEqual({ cursor: 0, top: 0 })
    state = reduceList(state, { type: 'page', by: 1 }, view)
    expect(state).toEqual({ cursor: 9, top: 0 })
    state = reduceList(state, { type: 'move', by: 1 }, view)
    expect(state).toEqual({ cursor: 10, top: 1 })
    state = reduceList(state, { type: 'end' }, view)
    expect(state).toEqual({ cursor: 99, top: 90 })
    state = reduceList(state, { type: 'scroll', by: -80 }, view)
    expect(state).toEqual({ cursor: 19, top: 10 })
    state = reduceList(state, { type: 'set', index: 7 }, { count: 0, height: 10 })
    expect(state).toEqual({ cursor: 0, top: 0 })
  })
})
