import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ColorDepth } from '../../../src/terminal/sgr.ts'
import { FrameWriter } from '../../../src/terminal/writer.ts'
import { Emulator } from '../../harness/emulator.ts'

const ESC = '\u001b'
const isFull = process.env.KX_FULL === '1'
const PROLOGUE = `${ESC}[?7l${ESC}[m`

/** A terminal that keeps what it is sent and can be made to choke. */
class Tape {
  bytes: string[] = []
  writableNeedDrain = false
  #onDrain: (() => void) | null = null

  write(bytes: string): boolean {
    this.bytes.push(bytes)
    return true
  }

  once(_event: 'drain', listener: () => void): void {
    this.#onDrain = listener
  }

  drain(): void {
    this.writableNeedDrain = false
    const listener = this.#onDrain
    this.#onDrain = null
    listener?.()
  }

  take(): string {
    const text = this.bytes.join('')
    this.bytes = []
    return text
  }
}

function writerOf(columns: number, rows: number, colorDepth: ColorDepth = 'truecolor') {
  const tape = new Tape()
  const scheduled: (() => void)[] = []
  const writer = new FrameWriter({
    target: tape,
    size: { columns, rows },
    colorDepth,
    schedule: (paint) => void scheduled.push(paint),
  })
  const turn = () => {
    for (const paint of scheduled.splice(0)) paint()
    return tape.take()
  }
  const show = (frame: string) => {
    writer.accept(frame)
    return turn()
  }
  return { tape, writer, turn, show }
}

describe('golden bytes', () => {
  it('erases once, then writes each row at its address', () => {
    const { show } = writerOf(10, 3)
    expect(show('one\n\nthree')).toBe(`${ESC}[?25l${PROLOGUE}${ESC}[r${ESC}[?6l${ESC}[2J${ESC}[1Hone${ESC}[3Hthree`)
  })

  it('says nothing for the same frame', () => {
    const { show } = writerOf(10, 2)
    show('a\nb')
    expect(show('a\nb')).toBe('')
  })

  it('addresses the first changed cell and leaves the prefix alone', () => {
    const { show } = writerOf(20, 2)
    show('loss          0.100\nstep             1')
    expect(show('loss          0.123\nstep             1')).toBe(`${PROLOGUE}${ESC}[1;18H23`)
  })

  it('says the style in force at the first changed cell', () => {
    const { show } = writerOf(20, 1)
    show(`${ESC}[1;31mloss 100${ESC}[0m`)
    expect(show(`${ESC}[1;31mloss 101${ESC}[0m`)).toBe(`${PROLOGUE}${ESC}[1;8H${ESC}[0;1;31m1${ESC}[m`)
  })

  it('erases to the end only when a row gets shorter and is narrower than the terminal', () => {
    const { show } = writerOf(6, 1)
    show('abcdef')
    expect(show('abc')).toBe(`${PROLOGUE}${ESC}[1;4H${ESC}[K`)
    expect(show('abcdef')).toBe(`${PROLOGUE}${ESC}[1;4Hdef`)
    expect(show('ABCDEF')).toBe(`${PROLOGUE}${ESC}[1HABCDEF`)
  })

  it('jumps over a long unchanged middle', () => {
    const { show } = writerOf(40, 1)
    show('a 0123456789012345678901234567 z')
    expect(show('b 0123456789012345678901234567 y')).toBe(`${PROLOGUE}${ESC}[1Hb${ESC}[1;32Hy`)
  })

  it('wraps a paint in synchronized output only when told that the terminal has it', () => {
    const { writer, show } = writerOf(5, 1)
    show('a')
    writer.setSync(true)
    expect(show('b')).toBe(`${ESC}[?2026h${PROLOGUE}${ESC}[1Hb${ESC}[?2026l`)
  })

  it('never begins in the middle of a wide glyph', () => {
    const { show } = writerOf(8, 1)
    show('漢字x')
    expect(show('漢语x')).toBe(`${PROLOGUE}${ESC}[1;3H语`)
    expect(show('a 语x')).toBe(`${PROLOGUE}${ESC}[1Ha `)
  })

  it('rewrites a row from the first glyph whose width terminals disagree about', () => {
    const { show } = writerOf(20, 1)
    show('ok 🎉 done 1')
    expect(show('ok 🎉 done 2')).toBe(`${PROLOGUE}${ESC}[1;4H${ESC}[K🎉 done 2`)
  })

  it('clips a row that is too wide, in cells', () => {
    const { show } = writerOf(5, 1)
    expect(show('ab漢字')).toContain('ab漢')
    expect(show('ab漢字')).not.toContain('字')
  })

  it('cuts rows beyond the terminal and counts them', () => {
    const { writer, show } = writerOf(5, 2)
    expect(show('a\nb\nc\nd')).not.toContain('c')
    expect(writer.stats.excessRows).toBe(2)
  })

  it('shows the cursor where it is wanted, hides it during a paint', () => {
    const { writer, show, turn } = writerOf(10, 2)
    show('a')
    writer.setCursor({ column: 3, row: 1 })
    expect(turn()).toBe(`${ESC}[2;4H${ESC}[?25h`)
    expect(show('b')).toBe(`${ESC}[?25l${PROLOGUE}${ESC}[1Hb${ESC}[2;4H${ESC}[?25h`)
    writer.setCursor({ column: 99, row: 99 })
    expect(turn()).toBe(`${ESC}[2;10H`)
    writer.setCursor(null)
    expect(turn()).toBe(`${ESC}[?25l`)
  })

  it.each([
    ['truecolor', '38;2;255;0;0'],
    ['256', '38;5;196'],
    ['16', '91'],
  ] as const)('shows a red at %s colours', (depth, sgr) => {
    expect(writerOf(5, 1, depth).show(`${ESC}[38;2;255;0;0mx${ESC}[39m`)).toContain(`${ESC}[0;${sgr}mx`)
  })

  it('sends no colour where there is none, and keeps bold', () => {
    const { show } = writerOf(9, 1, 'none')
    const bytes = show(`${ESC}[31mred${ESC}[39m${ESC}[1;44mbold${ESC}[0m`)
    expect(bytes).toContain(`red${ESC}[0;1mbold`)
    expect(bytes).not.toMatch(/\[[0-9;]*(31|44)m/)
  })
})

describe('frames', () => {
  it('paints only the newest of several', () => {
    const { writer, turn } = writerOf(9, 1)
    writer.accept('first')
    writer.accept('second')
    writer.accept('third')
    const bytes = turn()
    expect(bytes).toContain('third')
    expect(bytes).not.toContain('first')
    expect(writer.stats).toMatchObject({ frames: 1, skippedFrames: 2 })
  })

  it('drops frames while the terminal does not read and shows the newest afterwards', () => {
    const { tape, writer, show, turn } = writerOf(9, 1)
    show('zero')
    tape.writableNeedDrain = true
    for (let frame = 0; frame < 1000; frame += 1) {
      writer.accept(`frame ${frame}`)
      turn()
    }
    expect(tape.bytes).toEqual([])
    tape.drain()
    expect(tape.take()).toContain('frame 999')
    expect(writer.stats.frames).toBe(2)
  })

  it('holds while a child owns the terminal, as often as it was held', () => {
    const { writer, turn, show } = writerOf(9, 1)
    show('a')
    writer.hold()
    writer.hold()
    writer.accept('b')
    writer.resume()
    expect(turn()).toBe('')
    writer.resume()
    expect(turn()).toContain('b')
  })

  it('repaints everything from memory when forced, with one erase', () => {
    const { writer, turn, show } = writerOf(9, 2)
    show('a\nb')
    writer.force()
    const bytes = turn()
    expect(bytes).toContain(`${ESC}[2J`)
    expect(bytes).toContain(`${ESC}[1Ha${ESC}[2Hb`)
    expect(writer.stats.clears).toBe(2)
  })

  it('writes nothing after it was closed', () => {
    const { writer, turn } = writerOf(9, 1)
    writer.accept('a')
    writer.close()
    writer.accept('b')
    writer.control('x')
    expect(turn()).toBe('')
  })
})

// Glyphs whose width the emulator and string-width agree on, one and two cells wide, and styles.
const cell = fc.constantFrom('a', 'b', 'Z', ' ', ' ', ' ', '│', '█', '⣿', 'é', '漢', '字', 'ひ')
const style = fc.constantFrom(
  '',
  '',
  `${ESC}[31m`,
  `${ESC}[1m`,
  `${ESC}[48;5;4m`,
  `${ESC}[7m`,
  `${ESC}[0m`,
  `${ESC}[39m`,
)
const rowText = fc
  .array(fc.tuple(style, cell), { maxLength: 26 })
  .map((cells) => `${cells.map(([sgr, text]) => sgr + text).join('')}${ESC}[0m`)
const frame = fc.array(rowText, { maxLength: 6 }).map((rows) => rows.join('\n'))

async function screenAfter(frames: readonly string[], columns: number, rows: number): Promise<string> {
  const emulator = new Emulator(columns, rows)
  const { show } = writerOf(columns, rows)
  emulator.write(`${ESC}[?1049h`)
  for (const each of frames) emulator.write(show(each))
  await emulator.settled()
  const fingerprint = emulator.fingerprint()
  emulator.terminal.dispose()
  return fingerprint
}

describe('any sequence of frames', () => {
  it(
    'ends with the screen that the last frame alone would give',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(frame, { minLength: 2, maxLength: 6 }),
          fc.integer({ min: 1, max: 24 }),
          fc.integer({ min: 1, max: 5 }),
          async (frames, columns, rows) => {
            const last = frames.at(-1) ?? ''
            expect(await screenAfter(frames, columns, rows)).toBe(await screenAfter([last], columns, rows))
          },
        ),
        { numRuns: isFull ? 5000 : 250 },
      )
    },
    isFull ? 600_000 : 20_000,
  )
})
