import { join } from 'node:path'
import { openHistory } from '../repl/history.ts'
import { ReplSession } from '../repl/session.ts'
import type { DisplayLine } from '../repl/types.ts'
import type { ActResult } from '../run/act.ts'
import { userFolders } from '../session/paths.ts'
import { allCommands } from './list/all.ts'
import { systemClock } from './open.ts'
import { type HouseOptions, replHouse } from './repl-house.ts'
import type { CommandEnvironment } from './types.ts'

export interface PromptOptions extends HouseOptions {
  readonly isAscii: boolean
  readonly onLines: (cell: number, lines: readonly DisplayLine[], isLate: boolean) => void
  /** An expression of a script is nobody's to find again. */
  readonly isRemembered: boolean
  readonly timeoutMs?: number
  readonly awaitMs?: number
}

/** Opens a prompt in this project; its worker starts with the first entry. */
export async function openPrompt(options: PromptOptions): Promise<ReplSession> {
  const [house, { childEnvironment }] = await Promise.all([replHouse(options), import('../host/child-environment.ts')])
  const { isAscii, onLines, timeoutMs, awaitMs } = options
  return new ReplSession({
    house,
    history: options.isRemembered ? openHistory(join(userFolders(process.env).state, 'repl-history.jsonl')) : null,
    env: childEnvironment(),
    isAscii,
    clock: systemClock,
    onLines,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(awaitMs === undefined ? {} : { awaitMs }),
  })
}

export const plainLine = (line: DisplayLine): string => line.map((span) => span.text).join('')

/** `kx eval`: one entry, its value, and how it ended as an exit code. */
export async function evaluateOnce(
  env: CommandEnvironment,
  { expression, timeoutSeconds }: { readonly expression: string; readonly timeoutSeconds: number },
): Promise<ActResult> {
  const printed: string[] = []
  const session = await openPrompt({
    registry: allCommands(),
    environment: (signal) => ({ ...env, via: 'prompt', signal: AbortSignal.any([env.signal, signal]) }),
    runId: () => env.runId,
    isAscii: env.settings.ascii === true,
    isRemembered: false,
    onLines: (_cell, lines) => printed.push(...lines.map(plainLine)),
    timeoutMs: timeoutSeconds * 1000,
    awaitMs: timeoutSeconds * 1000,
  })
  const onAbort = () => void session.interrupt()
  env.signal.addEventListener('abort', onAbort, { once: true })
  try {
    const { outcome, lines, json, exitCode } = await session.enter(expression, { wantsJson: true, width: 100 })
    const own = lines.map(plainLine)
    // Of an error its first line says what it is; where it comes from is told before it.
    const [summary = '', ...others] =
      outcome === 'error' ? own : [own.at(-1) ?? printed.pop() ?? '', ...own.slice(0, -1)]
    const shown = [...printed, ...others]
    if (outcome === 'incomplete') return { summary: 'the expression is not complete', exitCode: 2, data: null }
    const isGood = outcome === 'value' || outcome === 'nothing'
    return {
      summary,
      exitCode: isGood ? 0 : outcome === 'error' ? asExitCode(expression, exitCode) : 4,
      data: json ?? null,
      lines: shown,
    }
  } finally {
    env.signal.removeEventListener('abort', onAbort)
    await session.close()
  }
}

/** A command of kx keeps its own; those of a shell line mean other things. */
const asExitCode = (expression: string, code: number | null): ActResult['exitCode'] =>
  expression.trimStart().startsWith(':') && (code === 2 || code === 3 || code === 4) ? code : 1
