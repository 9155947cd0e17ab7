import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRegistry } from '../../../src/commands/registry.ts'
import { openPrompt } from '../../../src/commands/repl-eval.ts'

export interface PromptFigures {
  /** From a cold process to a worker that answers. */
  readonly startMs: number
  /** From Enter to the result of `1+1`, worker running: one figure an entry. */
  readonly resultMs: readonly number[]
}

/** Types `1+1` at a prompt of its own, `count` times, after one entry that is not counted. */
export async function measurePrompt(count = 50): Promise<PromptFigures> {
  const projectFolder = mkdtempSync(join(tmpdir(), 'kx-bench-repl-'))
  const environment = (signal: AbortSignal) => ({
    projectFolder,
    via: 'prompt' as const,
    who: 'bench',
    runId: null,
    settings: {},
    signal,
    ask: { confirm: async () => false, typed: async () => null, text: async () => null },
    progress: () => {},
    openRun: () => {},
  })
  const begunMs = performance.now()
  const session = await openPrompt({
    registry: createRegistry([]),
    environment,
    runId: () => null,
    isAscii: false,
    isRemembered: false,
    onLines: () => {},
  })
  try {
    await session.begin()
    const startMs = performance.now() - begunMs
    const resultMs: number[] = []
    for (let i = 0; i <= count; i += 1) {
      const enteredMs = performance.now()
      const { lines } = await session.enter('1+1')
      const tookMs = performance.now() - enteredMs
      if (lines[0]?.[0]?.text !== '2') throw new Error('1+1 did not give 2')
      if (i > 0) resultMs.push(tookMs)
    }
    return { startMs, resultMs }
  } finally {
    await session.close()
    rmSync(projectFolder, { recursive: true, force: true })
  }
}
