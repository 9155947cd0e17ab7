import { beforeAll, describe, expect, it } from 'vitest'
import type { ScreenId } from '../../../src/commands/types.ts'
import { textWidth } from '../../../src/ui/index.ts'
import { draw, mount, themes } from './draw.tsx'
import { type Scene, type Stage, sceneAt, stages } from './fixture.ts'

const screens: readonly ScreenId[] = [
  'home',
  'plan',
  'audit',
  'smoke',
  'cost',
  'launch',
  'patrol',
  'teardown',
  'fleet',
  'checklists',
  'profiles',
  'recipes',
  'report',
  'notebook',
  'config',
]
const sizes = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const
/** Stages that look different from each other where there is room; the small size is drawn at all of them. */
const telling: readonly Stage[] = ['bad-plan', 'failed', 'gpu', 'torn-down']

const scenes = new Map<Stage, Scene>()
beforeAll(async () => {
  for (const stage of stages) scenes.set(stage, await sceneAt(stage))
})
const scene = (stage: Stage): Scene => {
  const found = scenes.get(stage)
  if (found === undefined) throw new Error(`no scene ${stage}`)
  return found
}

/** What a forgotten value looks like in a text. `NaN` alone is a word of ours: units write it. */
const leaks =
  /undefined|\[object|\bnull\b|Infinity|\$NaN|NaN ?(?=%|\/|s\b|ms\b|min\b|h\b|d\b|[KMG]iB|B\b|W\b|MHz|°|of )/
const boxStrokes = /[┌┐└┘│─┏┓┗┛┃━]/

function faultsOf(lines: readonly string[], columns: number, rows: number): string[] {
  const faults = lines.length === rows ? [] : [`${lines.length} rows instead of ${rows}`]
  for (const line of lines) {
    if (textWidth(line) > columns) faults.push(`wider than ${columns}: ${line}`)
    if (leaks.test(line)) faults.push(`leaks a value: ${line}`)
    if (line.includes('\x1b')) faults.push(`holds a sequence that is no colour: ${JSON.stringify(line)}`)
  }
  return faults
}

describe('every screen at every stage', () => {
  it('would be caught with any of the faults that are looked for', () => {
    const faulty = [
      'undefined units',
      '[object Object]',
      'null',
      '$NaN',
      'NaN %',
      'NaN of 3',
      '日本'.repeat(6),
      '\x1b[2J',
    ]
    for (const line of faulty) expect(faultsOf([line], 20, 1)).toHaveLength(1)
    expect(faultsOf(['3 NaN', 'ok'], 20, 2)).toEqual([])
    expect(faultsOf(['ok'], 20, 2)).toHaveLength(1)
  })

  for (const [columns, rows] of sizes) {
    for (const [name, theme] of Object.entries(themes)) {
      it(`fits ${columns}x${rows} in ${name}, and leaks no forgotten value`, () => {
        const faults: string[] = []
        for (const stage of columns === 80 && name === 'dark' ? stages : telling)
          for (const screen of screens) {
            const lines = draw({ scene: scene(stage), screen, columns, rows, theme })
            for (const fault of faultsOf(lines, columns, rows)) faults.push(`${screen} at ${stage}: ${fault}`)
            if (name === 'ascii' && screen !== 'report' && lines.some((l) => boxStrokes.test(l)))
              faults.push(`${screen} at ${stage}: strokes that are not ASCII`)
          }
        expect(faults).toEqual([])
      })
    }
  }

  it('fits with each of its panes focused and zoomed', () => {
    const faults: string[] = []
    for (const screen of screens)
      for (const stage of ['failed', 'gpu'] as const) {
        const ids = mount({ scene: scene(stage), screen, columns: 80, rows: 24 })
        const panes = ids.snapshot.model.panes.map((p) => p.id)
        ids.unmount()
        for (const id of panes)
          for (const [columns, rows, isZoomed] of [
            [80, 24, false],
            [60, 16, false],
            [121, 41, true],
          ] as const) {
            const lines = draw({
              scene: scene(stage),
              screen,
              columns,
              rows,
              ui: { focus: { [screen]: id }, isZoomed },
            })
            for (const fault of faultsOf(lines, columns, rows)) faults.push(`${screen}/${id} at ${stage}: ${fault}`)
          }
      }
    expect(faults).toEqual([])
  })

  it('fits while an act runs and prints', () => {
    for (const [columns, rows] of sizes) {
      const live = {
        commandId: 'audit.run',
        title: 'Audit the host',
        startedAtMs: 0,
        items: [],
        progress: { text: 'asks for 日本語', done: 3, total: 45 },
        output: Array.from({ length: 50 }, (_, i) => `line ${i} ${'x'.repeat(i * 6)}`),
      }
      const lines = draw({ scene: scene('planned'), screen: 'audit', columns, rows, live })
      expect(faultsOf(lines, columns, rows)).toEqual([])
      expect(lines.some((l) => l.includes('Audit the host 3 of 45'))).toBe(true)
      expect(lines.some((l) => l.includes('line 49'))).toBe(true)
    }
  })
})

describe('the narrow form', () => {
  it('says which pane this is and that Tab goes on, for every pane of every screen', () => {
    for (const screen of screens) {
      const first = mount({ scene: scene('running'), screen, columns: 80, rows: 24 })
      const panes = first.snapshot.model.panes
      first.unmount()
      for (const [i, pane] of panes.entries()) {
        const lines = draw({
          scene: scene('running'),
          screen,
          columns: 80,
          rows: 24,
          ui: { focus: { [screen]: pane.id } },
        })
        if (panes.length === 1) expect(lines[3]).not.toMatch(/Tab/)
        else expect(lines[3]).toMatch(new RegExp(`pane ${i + 1} of ${panes.length}, Tab|${i + 1}/${panes.length} Tab`))
      }
    }
  })

  it('names the other panes where there is room for it', () => {
    const lines = draw({ scene: scene('torn-down'), screen: 'home', columns: 80, rows: 24 })
    expect(lines[3]).toContain('pane 1 of 2, Tab: Meters')
  })

  it('says nothing of it where all panes are on the screen', () => {
    const lines = draw({ scene: scene('torn-down'), screen: 'home', columns: 120, rows: 40 })
    expect(lines.join('\n')).not.toMatch(/pane \d of \d|\d\/\d Tab/)
  })

  it('shows titles of checks whole at 80 columns', () => {
    const text = draw({ scene: scene('smoked'), screen: 'audit', columns: 80, rows: 24 }).join('\n')
    for (const title of ['It is known which machine answers', 'The GPUs are free of processes of others'])
      expect(text).toContain(title)
  })
})

describe('pictures of key screens', () => {
  /** The hint row is that of the keymap, which has tests of its own. */
  const pictures: readonly (readonly [ScreenId, Stage, number, number, string | null])[] = [
    ['home', 'running', 80, 24, null],
    ['audit', 'smoked', 80, 24, null],
    ['audit', 'smoked', 120, 40, null],
    ['cost', 'approved', 80, 24, 'meters'],
    ['patrol', 'running', 80, 24, null],
    ['patrol', 'stale', 80, 24, null],
    ['patrol', 'failed', 80, 24, 'findings'],
    ['patrol', 'failed', 120, 40, null],
    ['patrol', 'gpu', 120, 40, null],
    ['teardown', 'verified', 120, 40, null],
    ['report', 'verified', 80, 24, null],
    ['notebook', 'finished', 80, 24, null],
  ]
  for (const [screen, stage, columns, rows, focus] of pictures) {
    const name = `${screen}-${stage}-${columns}x${rows}${focus === null ? '' : `-${focus}`}`
    it(name, async () => {
      const ui = focus === null ? {} : { focus: { [screen]: focus } }
      const lines = draw({ scene: scene(stage), screen, columns, rows, ui })
      await expect(`${lines.slice(0, -1).join('\n')}\n`).toMatchFileSnapshot(`pictures/${name}.txt`)
    })
  }
})
