/**
 * A small full-screen program on the real terminal room, for tests: `n` counts up, `q` quits, `c` crashes, `r` rejects,
 * `x` exits at once, `e` hands the terminal to `KX_TEST_EDITOR`, `t` toggles ticking, ctrl+l repaints, ctrl+z suspends,
 * `s` logs figures, `d` draws what hostile output looks like. It writes what it heard to `KX_TEST_LOG`.
 */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { Box, Text, useWindowSize } from 'ink'
import { createElement, useSyncExternalStore } from 'react'
import { chordOf } from '../../../src/terminal/events.ts'
import { mountInk, openTerminal } from '../../../src/terminal/session.ts'
import { gridRow } from './grid-frame.ts'

const colors = ['green', 'yellow', '#8040ff', 'red']
let count = 0
let hostile = ''
let ticker: NodeJS.Timeout | null = null
const listeners = new Set<() => void>()

function change(action: () => void): void {
  action()
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function log(line: string): void {
  const path = process.env.KX_TEST_LOG
  if (path !== undefined) appendFileSync(path, `${line}\n`)
}

function Grid() {
  const { columns, rows } = useWindowSize()
  const shown = useSyncExternalStore(subscribe, () => `${count}${hostile}`)
  return createElement(
    Box,
    { width: columns, height: rows, overflow: 'hidden', flexDirection: 'column', key: shown.length > 0 ? 'grid' : '' },
    Array.from({ length: rows }, (_, row) =>
      createElement(
        Text,
        { key: row, wrap: 'truncate', color: colors[row % 5], bold: row % 4 === 0 },
        hostile !== '' && row === 2 ? hostile : gridRow(row, columns, rows, count),
      ),
    ),
  )
}

function quit(): void {
  log(`stats ${JSON.stringify(terminal.stats())}`)
  mounted.unmount()
  terminal.close()
}

async function edit(): Promise<void> {
  const [command = 'true', ...args] = (process.env.KX_TEST_EDITOR ?? 'true').split(' ')
  await terminal.release(
    () => new Promise<void>((resolve) => spawn(command, args, { stdio: 'inherit' }).on('close', () => resolve())),
  )
  log('edited')
}

const actions: Record<string, () => void> = {
  n: () => change(() => (count += 1)),
  q: quit,
  c: () => {
    throw new Error('crash on request')
  },
  r: () => void Promise.reject(new Error('rejection on request')),
  x: () => process.exit(7),
  e: () => void edit(),
  s: () => log(`stats ${JSON.stringify(terminal.stats())}`),
  m: () => terminal.setMouse(false),
  d: () => change(() => (hostile = 'a\u001b[2Jb\u0007c\u001b]0;evil\u0007d\u009b31me\u202ef\u001bPq\u001b\\g')),
  t: () => {
    if (ticker === null) ticker = setInterval(() => change(() => (count += 1)), 20)
    else clearInterval(ticker)
  },
  'ctrl+l': () => terminal.forceRepaint(),
  'ctrl+z': () => terminal.suspend(),
}

const terminal = openTerminal({
  stdin: process.stdin,
  stdout: process.stdout,
  env: process.env,
  onKey: (key) => {
    log(`key ${chordOf(key)}`)
    actions[chordOf(key)]?.()
  },
  onMouse: (mouse) => log(`mouse ${mouse.kind} ${mouse.direction ?? mouse.button} ${mouse.column},${mouse.row}`),
  onPaste: (paste) => log(`paste ${JSON.stringify(paste.text)}`),
  onFocus: (focus) => log(`focus ${focus.isFocused}`),
  onCapabilities: (capabilities) => log(`capabilities ${JSON.stringify(capabilities)}`),
  ...(process.env.KX_TEST_STAY === '1' ? { onSignal: (signal: string) => log(`signal ${signal}`) } : {}),
  onDetach: (reason) => {
    log(`detached ${reason}`)
    // The process goes on without a terminal; this one ends itself, so that no test leaves it behind.
    setTimeout(() => {
      log(`alive ${JSON.stringify(terminal.stats())}`)
      process.exit(0)
    }, 200)
  },
})
const mounted = mountInk(terminal, createElement(Grid))
log('ready')
