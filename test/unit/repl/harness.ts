import { Engine } from '../../../src/repl/engine.ts'
import type { Evaluated, WorkerSetup } from '../../../src/repl/types.ts'

export const emptyFacts = { host: 'local', hosts: ['local'], run: null, plan: null, profile: null, cells: [] }

export interface Bench {
  readonly engine: Engine
  readonly printed: string[]
  readonly late: { cell: number; isError: boolean; text: string }[]
  readonly lost: string[]
  enter(source: string, more?: { timeoutMs?: number; awaitMs?: number; width?: number }): Promise<Evaluated>
}

/** A prompt without a house around it: its worker is the real one, what it calls for is refused. */
export function openBench(
  setup: Partial<WorkerSetup> = {},
  onCall?: (name: string, args: readonly unknown[]) => unknown,
): Bench {
  const printed: string[] = []
  const late: Bench['late'] = []
  const lost: string[] = []
  let cell = 0
  const engine = new Engine({
    setup: { projectFolder: import.meta.dirname, isAscii: false, commands: [], facts: emptyFacts, ...setup },
    env: { PATH: process.env.PATH ?? '', KX_SEEN: 'yes' },
    onOutput: (at, text) => printed.push(`${at}: ${text}`),
    onLate: (each) => late.push({ cell: each.cell, isError: each.isError, text: plainLines(each.lines).join('\n') }),
    onCall: async ({ name, args }) => {
      if (onCall === undefined) throw new Error(`no ${name} here`)
      return onCall(name, args)
    },
    onLost: (why) => lost.push(why),
  })
  return {
    engine,
    printed,
    late,
    lost,
    enter: (source, { timeoutMs = 5000, awaitMs = 5000, width = 80 } = {}) => {
      cell += 1
      return engine.evaluate({ cell, source, timeoutMs, awaitMs, width, wantsJson: true, needsShell: false })
    },
  }
}

export const plainLines = (lines: Evaluated['lines']): string[] =>
  lines.map((line) => line.map((span) => span.text).join(''))
