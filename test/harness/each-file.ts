import { afterAll, afterEach, vi } from 'vitest'
import { undoAll } from './undo.ts'

/**
 * Runs before every test file. Files of a project share workers, so a file must leave its worker as it was: one that does
 * not fails here by name, and does not make another one fail somewhere else.
 */
const folder = process.cwd()
const variables = { ...process.env }

afterEach(undoAll)
afterAll(async () => {
  await undoAll()
  const left: string[] = []
  for (const name of new Set([...Object.keys(variables), ...Object.keys(process.env)])) {
    const before = variables[name]
    if (process.env[name] === before) continue
    left.push(`the variable ${name}`)
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
  if (process.cwd() !== folder) {
    left.push(`the folder ${process.cwd()}`)
    process.chdir(folder)
  }
  if (vi.isFakeTimers()) {
    left.push('a clock that stands still')
    vi.useRealTimers()
  }
  // What runs when the worker ends is meant to outlive a file.
  if (left.length > 0) throw new Error(`This file leaves its worker with ${left.join(', ')}: undo it after each test.`)
})
