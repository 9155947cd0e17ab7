import { Box, type Instance, render, renderToString, Text, useInput, useWindowSize } from 'ink'
import { createElement, type ReactElement, useSyncExternalStore } from 'react'
import { afterEach, describe, expect, it } from 'vitest'
import { silentStdin } from '../../../src/terminal/ink-stdin.ts'
import { FrameSink } from '../../../src/terminal/sink.ts'

// What Ink writes in debug mode is the seam our writer stands on, and no promise of Ink's. When one of these fails after
// an upgrade, ship on KX_RENDERER=ink until the sink is adapted (handbook terminal 3.4).

const COLUMNS = 30
const ROWS = 6
const ESC = '\u001b'

/** Every write of Ink, as it comes. */
class Recorder extends FrameSink {
  writes: string[] = []
  barriers = 0

  constructor() {
    super({ columns: COLUMNS, rows: ROWS }, () => {})
  }

  override write(
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean {
    if (chunk === '') this.barriers += 1
    else this.writes.push(String(chunk))
    return super.write(chunk, encoding, callback)
  }
}

let instance: Instance | null = null
afterEach(() => {
  instance?.unmount()
  instance = null
})

function mount(element: ReactElement): Recorder {
  const recorder = new Recorder()
  instance = render(element, {
    stdout: recorder.asStdout(),
    stdin: silentStdin(),
    debug: true,
    interactive: true,
    patchConsole: false,
    exitOnCtrlC: false,
    isScreenReaderEnabled: false,
  })
  return recorder
}

let shown = 'zero'
const listeners = new Set<() => void>()
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
function say(text: string): void {
  shown = text
  for (const listener of listeners) listener()
}

function Screen() {
  const { columns, rows } = useWindowSize()
  const text = useSyncExternalStore(subscribe, () => shown)
  useInput(() => {})
  return createElement(
    Box,
    { width: columns, height: rows, overflow: 'hidden', flexDirection: 'column' },
    createElement(Text, { key: 'a', color: 'green', bold: true }, `${text}   `),
    createElement(Text, { key: 'b', wrap: 'truncate' }, 'w'.repeat(200)),
    createElement(Text, { key: 'c' }, '漢字 🎉 │'),
  )
}

describe('Ink in debug mode', () => {
  it('writes one whole frame per commit, of exactly the rows, with colours and nothing else', async () => {
    shown = 'zero'
    const recorder = mount(createElement(Screen))
    await instance?.waitUntilRenderFlush()
    const before = recorder.writes.length
    expect(before).toBeGreaterThan(0)
    for (const text of ['one', 'two', 'three']) {
      say(text)
      await instance?.waitUntilRenderFlush()
    }
    expect(recorder.writes).toHaveLength(before + 3)
    for (const frame of recorder.writes) {
      expect(frame.split('\n')).toHaveLength(ROWS)
      expect(frame.replace(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    }
    expect(recorder.writes.at(-1)).toContain('three')
  })

  it('opens and closes the styles of a row within the row', async () => {
    const recorder = mount(
      createElement(Box, { width: COLUMNS, height: ROWS }, createElement(Text, { color: 'red' }, 'one\ntwo\nthree')),
    )
    await instance?.waitUntilRenderFlush()
    for (const row of (recorder.writes.at(-1) ?? '').split('\n')) {
      if (!row.includes(ESC)) continue
      expect(row).toMatch(/\u001b\[39m$/)
    }
  })

  it('shows the text that renderToString gives', async () => {
    const tree = createElement(
      Box,
      { width: COLUMNS, height: ROWS, flexDirection: 'column' },
      createElement(Text, null, 'plain text'),
      createElement(Text, null, 'more'),
    )
    const recorder = mount(tree)
    await instance?.waitUntilRenderFlush()
    expect(recorder.writes.at(-1)).toBe(renderToString(tree, { columns: COLUMNS }))
  })

  it('takes several changes in one tick as one frame', async () => {
    const recorder = mount(createElement(Screen))
    await instance?.waitUntilRenderFlush()
    const before = recorder.writes.length
    for (const text of ['a', 'b', 'c', 'd', 'e']) say(text)
    await instance?.waitUntilRenderFlush()
    expect(recorder.writes.length - before).toBe(1)
  })

  it('passes the barrier and waits for its callback', async () => {
    const recorder = mount(createElement(Screen))
    const before = recorder.barriers
    await instance?.waitUntilRenderFlush()
    expect(recorder.barriers).toBe(before + 1)
  })

  it('lays out anew when the sink says resize, and not before', async () => {
    const recorder = mount(createElement(Screen))
    await instance?.waitUntilRenderFlush()
    recorder.setSize({ columns: 12, rows: 4 })
    await instance?.waitUntilRenderFlush()
    const rows = (recorder.writes.at(-1) ?? '').split('\n')
    expect(rows).toHaveLength(4)
    expect(rows.some((row) => row.includes(`${'w'.repeat(11)}…`))).toBe(true)
  })

  it('hears no key from its own stdin and writes only what the sink can tell from a frame when it ends', async () => {
    const recorder = mount(createElement(Screen))
    await instance?.waitUntilRenderFlush()
    const before = recorder.writes.length
    instance?.unmount()
    await instance?.waitUntilExit()
    instance = null
    const last = recorder.writes.slice(before)
    expect(last.filter((chunk) => chunk.includes('\n'))).toHaveLength(1)
    expect(last.filter((chunk) => !chunk.includes('\n'))).toEqual([`${ESC}[?25h`])
    expect(recorder.droppedChunks).toBe(1)
  })
})

describe('the sink', () => {
  it('tells frames from barriers and from mode switches', async () => {
    const frames: string[] = []
    const sink = new FrameSink({ columns: 5, rows: 2 }, (frame) => void frames.push(frame))
    for (const chunk of [
      '',
      `${ESC}[?25h`,
      `${ESC}[?2004h${ESC}[?25l`,
      `${ESC}[?u`,
      `${ESC}[>1u`,
      `${ESC}[2K${ESC}[1A`,
    ]) {
      sink.write(chunk)
    }
    expect(frames).toEqual([])
    for (const chunk of ['a\nb', '\n', `${ESC}[31m\n${ESC}[39m`, `${ESC}[?25hx`]) sink.write(chunk)
    expect(frames).toHaveLength(4)
    expect(sink.droppedChunks).toBe(5)
    await new Promise<void>((resolve) => sink.write('', 'utf8', () => resolve()))
    await new Promise<void>((resolve) => sink.write('x', () => resolve()))
  })
})
